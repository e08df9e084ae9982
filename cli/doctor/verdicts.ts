import type { QuotaLimits } from "../../functions/exporter/kore/quota.ts";
import { counted } from "../amounts.ts";
import { ASKED_DAYS, type AskedSource, type Cause, causeOf, type Said } from "./ask-source.ts";
import { type Check, ok, problem, skipped } from "./checks.ts";
import { failed, whatHappened } from "./failure-text.ts";

/** Kore's own limits on its cloud, for each bot. Source: "Rate limit" in Kore's documentation. */
export const DOCUMENTED_QUOTA = { perMinute: 60, perHour: 1_800 };

/** Before any of these Kore has looked at the token. */
const TOKEN_SEEN: ReadonlySet<Cause | "answer"> = new Set([
  "answer",
  "scope",
  "encrypted",
  "unknown bot",
  "wants a type",
]);

function outcome(said: Said): Cause | "answer" | null {
  if (said.kind === "answer") return "answer";
  return said.kind === "failure" ? causeOf(said.error) : null;
}

function havingOutcome(asked: readonly AskedSource[], ...wanted: readonly (Cause | "answer")[]): AskedSource[] {
  return asked.filter(({ said }) => wanted.some((one) => one === outcome(said)));
}

function words({ said }: AskedSource): string {
  return said.kind === "failure" ? whatHappened(said.error) : "";
}

const namesOf = (asked: readonly AskedSource[]) => asked.map(({ name }) => name).join(", ");

/** Whether Kore took the token. Where it did for some sources, the others have lines of their own. */
export function checkToken(asked: readonly AskedSource[]): Check {
  const accepted = asked.filter(({ said }) => TOKEN_SEEN.has(outcome(said) ?? "other"));
  const refused = havingOutcome(asked, "credentials");
  const [first] = refused;
  if (accepted.length > 0 && first === undefined) return ok("token", "accepted");
  if (accepted.length > 0) return ok("token", `accepted for ${namesOf(accepted)}; not for ${namesOf(refused)}`);
  if (first !== undefined) return problem("token", words(first));
  return skipped("token", "Kore gave no answer that tells.");
}

/** Whether the app may read sessions. */
export function checkScope(asked: readonly AskedSource[]): Check {
  const lacking = havingOutcome(asked, "scope");
  const [first] = lacking;
  if (first !== undefined) return problem("scope", `${words(first)} (${namesOf(lacking)})`);
  if (havingOutcome(asked, "answer", "encrypted").length > 0) return ok("scope", "given and published");
  const tokenIsBad = checkToken(asked).status === "problem";
  return skipped("scope", tokenIsBad ? "The token was not accepted." : "Kore gave no answer that tells.");
}

/** A line for each source. What another check tells of all of them alike is not told again. */
export function checkBots(asked: readonly AskedSource[]): Check[] {
  const tokenIsBad = checkToken(asked).status === "problem";
  return asked.map((one) => ({ ...checkBot(one, tokenIsBad), source: one.name }));
}

function checkBot({ said }: AskedSource, tokenIsBad: boolean): Check {
  if (said.kind === "answer") return ok("bot", sessionsOf(said.answer.total));
  if (said.kind === "no room")
    return skipped("bot", "KORE_REQUESTS_PER_MINUTE or KORE_REQUESTS_PER_HOUR leave no room.");
  switch (causeOf(said.error)) {
    case "scope":
      return skipped("bot", "The scope is missing.");
    case "rate":
      return skipped("bot", "Kore answered 429.");
    case "secret":
      return skipped("bot", "There are no credentials for it.");
    case "credentials":
      return tokenIsBad ? skipped("bot", "The token was not accepted.") : problem("bot", whatHappened(said.error));
    case "unknown bot":
      return problem("bot", whatHappened(said.error));
    default:
      return failed("bot", said.error);
  }
}

function sessionsOf(total: number | null): string {
  if (total === null) return "answers, without a total";
  if (total === 0) return `answers; no session started in the last ${ASKED_DAYS} days: is it the bot you mean?`;
  return `answers; ${counted(total, "session")} in the last ${ASKED_DAYS} days`;
}

/** Whether Kore's quota was used up: all that can be known of it. */
export function checkQuota(asked: readonly AskedSource[], limits: QuotaLimits | undefined): Check {
  const [limited] = havingOutcome(asked, "rate");
  if (limited !== undefined) return problem("quota", words(limited));
  if (havingOutcome(asked, "answer").length === 0)
    return skipped("quota", "Nothing can be said before Kore answers with sessions.");
  if (limits === undefined) return ok("quota", "no answer 429");
  const { perMinute, perHour } = limits;
  const own = `${told(perMinute)} a minute and ${told(perHour)} an hour for each source`;
  const isMore = exceeds(perMinute, DOCUMENTED_QUOTA.perMinute) || exceeds(perHour, DOCUMENTED_QUOTA.perHour);
  const note = isMore ? "; Kore documents 60 and 1,800, so only right if Kore raised yours" : "";
  return ok("quota", `no answer 429; exports keep to ${own}${note}`);
}

function told(limit: number): string {
  return limit === 0 ? "any number" : limit.toLocaleString("en");
}

function exceeds(limit: number, documented: number): boolean {
  return limit === 0 || limit > documented;
}
