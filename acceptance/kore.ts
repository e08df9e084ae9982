import {
  DEFAULT_BOTS,
  DEFAULT_CREDENTIAL,
  type StandIn,
  sampleSession,
  startStandIn,
} from "../demo/stand-in/server.ts";

const DAY_MS = 86_400_000;
export const BOTS = DEFAULT_BOTS;
export const [BOT] = BOTS;

/** The days of a run, by their places: the saved queries count from today, and so all days do. */
export interface Days {
  /** The first day of the archive. */
  readonly first: string;
  /** The day of what was added by hand. */
  readonly odd: string;
  /** The last day that is exported by hand. It ended a day ago at least, so that it is settled. */
  readonly last: string;
  readonly yesterday: string;
}

export function daysBefore(count: number): string {
  return new Date(Date.now() - count * DAY_MS).toISOString().slice(0, 10);
}

/** What was added by hand, beside the generated sessions and the odd ones among them. */
export const ADDED = {
  emoji: "added-emoji",
  fullWidth: "added-full-width",
  large: "added-large-number",
  coerced: "added-coerced",
  unclassified: "added-unclassified",
  moved: "added-moved",
} as const;

/**
 * Texts that filters have to find. By UTF-16 the emoji's channel comes first, by bytes the full-width one: a file whose
 * bounds are taken from the wrong order hides one of them.
 */
export const EMOJI_USER = "Zoë 👩🏽‍💻🎉";
export const EMOJI_CHANNEL = "📞 hotline";
export const FULL_WIDTH_CHANNEL = "ＣＨＡＴ！「全角」";

/** The stand-in for Kore, with four days of sessions, and what no generator makes. */
export async function startKore(): Promise<{ kore: StandIn; days: Days }> {
  const days: Days = { first: daysBefore(4), odd: daysBefore(3), last: daysBefore(2), yesterday: daysBefore(1) };
  const kore = await startStandIn({
    from: days.first,
    to: days.yesterday,
    requestsPerMinute: 0,
    requestsPerHour: 0,
  });
  const at = (time: string, changes: Record<string, unknown>) =>
    sampleSession({ botId: BOT, startTime: `${days.odd}T${time}Z` }, changes);
  const { store } = kore;
  store.add(BOT, at("03:04:05.679", { sessionId: ADDED.emoji, userId: EMOJI_USER, channel: EMOJI_CHANNEL }));
  store.add(BOT, at("03:04:59.000", { sessionId: ADDED.fullWidth, channel: FULL_WIDTH_CHANNEL }));
  store.add(BOT, at("03:05:00.000", { sessionId: ADDED.coerced, noOfMessagesExchanged: "many" }));
  store.add(BOT, at("03:06:00.001", { sessionId: ADDED.unclassified, containmentType: null }));
  store.add(BOT, at("03:07:00.010", { sessionId: ADDED.moved, containmentType: null }));
  const large = JSON.stringify(at("03:08:00.100", { sessionId: ADDED.large, noOfMessagesExchanged: 0 }));
  store.addText(BOT, large.replace('"noOfMessagesExchanged":0', '"noOfMessagesExchanged":9007199254740993'));
  const { sessionId: _, ...nameless } = at("03:09:00.999", {});
  store.addText(BOT, JSON.stringify(nameless));
  return { kore, days };
}

/** The deployment's view of the stand-in. */
export function koreSettings(kore: StandIn, days: Days) {
  return { host: kore.url, bots: BOTS, startDate: days.first, ...DEFAULT_CREDENTIAL };
}
