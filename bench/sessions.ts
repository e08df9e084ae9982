/** The bot of every session made here. */
export const BENCH_BOT = "st-dc600cf5-b1c5-581e-a2c3-eb81fe39";

const CHANNELS = ["rtm", "msteams", "slack", "korevg", "facebook", "sms", "email"];
const TAG_NAMES = ["welcome", "callerNumber", "topic", "intent", "zip", "customerTier", "dob", "handoffReason"];
const TAG_VALUES = [
  "balance check",
  "+1 555 0100",
  "日本語のテキスト",
  "😀 hi",
  "premium",
  "customer asked for an agent because the self-service flow did not resolve the issue",
  "مرحبا",
];

/**
 * JSON texts of a day's sessions, newest first, as the Sessions History API lists them. About 1.4 KB each, most of it
 * tags; the same texts for the same count. One tag value in three is unlike any other.
 */
export function* sessionTexts(count: number): Generator<string> {
  const random = linearCongruential(1);
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const hex = (digits: number) =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0");
  const tagValue = () => (random() < 1 / 3 ? hex(12) : pick(TAG_VALUES));
  const tags = (length: number) => Array.from({ length }, () => ({ name: pick(TAG_NAMES), value: tagValue() }));
  for (let index = 0; index < count; index++) {
    const start = Date.UTC(2026, 0, 3) - 1 - Math.floor((index * 86_400_000) / count);
    yield JSON.stringify({
      sessionId: Math.floor(start / 1000).toString(16) + hex(8) + hex(8),
      botId: BENCH_BOT,
      channel: pick(CHANNELS),
      userId: `u-8c4ca335-3152-5622-9cbb-${hex(12)}`,
      start_time: new Date(start).toISOString(),
      end_time: new Date(start + Math.floor(random() * 600_000)).toISOString(),
      containmentType: "agent",
      session_lang: random() < 0.1 ? ["en", "es"] : ["en"],
      sessionType: random() < 0.8 ? "interactive" : "non-interactive",
      isDeveloper: false,
      sessionStatus: "closed",
      tags: { userTags: tags(2), sessionTags: tags(4 + Math.floor(random() * 24)), altText: tags(1) },
      noOfMessagesExchanged: Math.floor(random() * 40),
      noOfTasksExecuted: Math.floor(random() * 5),
    });
  }
}

/** Numbers from 0 to 1, the same for the same seed. */
function linearCongruential(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
