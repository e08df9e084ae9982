import { ACCOUNT_SOURCE } from "./contract.ts";
import type { Source } from "./kore/wire.ts";

/**
 * The sources that `KORE_BOT_IDS` and `KORE_ACCOUNT` name, each once. Throws an `Error` with the sentence to tell if they
 * name none, or both kinds, or what can be no bot.
 */
export function readSources(bots: string | undefined, account: string | undefined): Source[] {
  if (account !== undefined && account !== "true" && account !== "false") {
    throw new Error(`KORE_ACCOUNT is "${account}"; give true or false.`);
  }
  const ids = [...new Set((bots ?? "").split(",").map((id) => id.trim()))].filter((id) => id !== "");
  if (account === "true" && ids.length > 0) {
    throw new Error(
      "Both bots and the account are to be archived; give KORE_BOT_IDS (--bot) or KORE_ACCOUNT (--account).",
    );
  }
  if (account === "true") return [{ kind: "account" }];
  if (ids.length === 0) {
    throw new Error("No source is given; give bots with KORE_BOT_IDS (--bot), or KORE_ACCOUNT=true (--account).");
  }
  for (const id of ids) checkBotId(id);
  return ids.map((botId) => ({ kind: "bot", botId }));
}

/** A bot's id becomes part of keys and of URLs. */
function checkBotId(id: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id) && id !== ACCOUNT_SOURCE) return;
  throw new Error(`The bot id "${id}" cannot be one; copy it from the bot's General Settings in Kore (st-…).`);
}
