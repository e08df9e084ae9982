const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A number of things, in at most seven characters: `99,999`, then `100K` and `1.2M`. */
export function count(number: number): string {
  return number < 100_000 ? number.toLocaleString("en") : shortened(number);
}

function shortened(number: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(number);
}

/** Bytes in the unit that fits, a thousand of one making the next. */
export function size(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const amount = bytes / 1_000 ** power;
  return `${amount.toLocaleString("en", { maximumFractionDigits: amount < 10 && power > 0 ? 1 : 0 })} ${BYTE_UNITS[power]}`;
}

/** `1 day`, `2 days`. */
export function counted(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** A span of time to the unit that matters: `12 min`, `5 h`, `3 days`. */
export function span(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : counted(Math.round(hours / 24), "day");
}

/** An instant to the minute, UTC. */
export function minuteOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
