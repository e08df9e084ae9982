import type { Connect } from "../../functions/exporter/connect.ts";
import type { SessionsAnswer, SessionsQuery } from "../../functions/exporter/kore/wire.ts";
import { counted } from "../amounts.ts";
import { type AskedSource, askSource, type CheckIo } from "./ask-source.ts";
import { type Check, ok, problem, skipped } from "./checks.ts";
import { whatHappened } from "./failure-text.ts";

/** The check, and the source asked again, if one was. */
export interface PageCheck {
  readonly check: Check;
  readonly asked: readonly AskedSource[];
}

/** Asks the source with the most sessions for as many at once as an export would. */
export async function checkPageSize(
  asked: readonly AskedSource[],
  query: SessionsQuery,
  pageSize: number | undefined,
  { connect, io }: { readonly connect: Connect; readonly io: CheckIo },
): Promise<PageCheck> {
  if (pageSize === undefined) return { check: skipped("page-size", "KORE_PAGE_SIZE cannot be used."), asked: [] };
  const [busiest] = asked.filter(({ said }) => said.kind === "answer").sort((a, b) => totalOf(b) - totalOf(a));
  if (busiest === undefined) return { check: skipped("page-size", "No source answers."), asked: [] };
  const { source, quota } = busiest;
  const said = await askSource(source, { ...query, limit: pageSize }, { connect, quota, io });
  return { check: verdict(said, pageSize), asked: [{ ...busiest, said }] };
}

function totalOf({ said }: AskedSource): number {
  return said.kind === "answer" ? (said.answer.total ?? 0) : 0;
}

function verdict(said: AskedSource["said"], pageSize: number): Check {
  if (said.kind === "no room") return skipped("page-size", "The quota of the settings has no room for the request.");
  if (said.kind === "failure") return skipped("page-size", whatHappened(said.error));
  const rows = said.answer.sessions.length;
  if (rows >= pageSize) return ok("page-size", `${count(rows)} of ${counted(pageSize, "session")} came at once`);
  if (!hasMore(said.answer)) {
    const all = rows === 1 ? "the only session" : `all ${count(rows)} sessions`;
    return ok("page-size", `${all} came at once; too few to see whether ${count(pageSize)} would`);
  }
  const says = `Kore gave ${counted(rows, "session")} at once of the ${count(pageSize)} asked for.`;
  return problem("page-size", says, rows === 0 ? undefined : `Set KORE_PAGE_SIZE=${rows}.`);
}

function hasMore({ total, moreAvailable, sessions }: SessionsAnswer): boolean {
  return total === null ? moreAvailable === true : total > sessions.length;
}

function count(number: number): string {
  return number.toLocaleString("en");
}
