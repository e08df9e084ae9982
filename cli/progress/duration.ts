const MINUTE_S = 60;
const HOUR_MIN = 60;

/** A time to come, in milliseconds, as people say it: `41 s`, `4 min`, `3 h 20 min`. Never less than a second. */
export function duration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / MINUTE_S);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / HOUR_MIN);
  const rest = minutes % HOUR_MIN;
  return rest === 0 || hours >= 24 ? `${hours} h` : `${hours} h ${rest} min`;
}

/** How fast so many things were done in so many milliseconds: `95/s`, or `12/min` where that is less than one. */
export function rate(count: number, ms: number): string {
  const perSecond = count / Math.max(1, ms / 1_000);
  const [number, unit] = perSecond >= 1 ? [perSecond, "s"] : [perSecond * MINUTE_S, "min"];
  return `${Math.round(number).toLocaleString("en")}/${unit}`;
}
