import { counted } from "./amounts.ts";
import type { Log } from "./log.ts";

/** Warns of names in the archive that no reader takes for data, if there are any. */
export function warnOfLeftOut(log: Pick<Log, "warn">, leftOut: number): void {
  if (leftOut === 0) return;
  const [are, were, them] = leftOut === 1 ? ["is", "was", "it"] : ["are", "were", "them"];
  const text =
    `${counted(leftOut, "name")} in the archive ${are} no part of its layout and ${were} left out; ` +
    `\`kore-sessions verify\` names ${them}.`;
  log.warn("left-out", text, { names: leftOut });
}
