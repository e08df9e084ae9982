import type { Shape } from "./single-days.ts";
import { LEVEL_HOURS, type Mix, USUAL_HOURS } from "./traffic.ts";

const MIXES: readonly (readonly [name: string, mix: Mix])[] = [
  ["equal types", [1 / 3, 1 / 3]],
  ["50, 30, 20 %", [0.5, 0.3]],
  ["90, 8, 2 %", [0.9, 0.08]],
  ["98, 1, 1 %", [0.98, 0.01]],
  ["one type", [1, 0]],
];

/** Days as they are to be expected: every mix of types, over usual and over level hours. */
export const EXPECTED_SHAPES: readonly Shape[] = [
  ["usual hours", USUAL_HOURS] as const,
  ["level hours", LEVEL_HOURS] as const,
].flatMap(([hoursName, hours]) => MIXES.map(([name, mix]) => ({ name: `${name}, ${hoursName}`, mix, hours })));

/** A day that takes place in one hour, but for a ten-thousandth of that in each other. */
export const BUSY_HOUR: Shape = {
  name: "one busy hour",
  mix: [0.5, 0.3],
  hours: LEVEL_HOURS.map((_, hour) => (hour === 13 ? 1 : 0.000_1)),
};
