import { timeOfDay } from "./busy-hours.ts";
import { ODDITIES } from "./odd-sessions.ts";
import { hashOf, mix, type Random, seededRandom } from "./random.ts";
import { type ContainmentType, DAY_MS, type Session } from "./session.ts";
import { HANDOFF_REASONS, TOPICS, type Topic, type Utterance } from "./topics.ts";

/** The generated sessions of one bot and day (UTC): a pure function of seed, bot, day and count. */
export interface GeneratedDay {
  readonly botId: string;
  readonly count: number;
  /** Containment types repeat with this period: session `index` has that of `index % period`. */
  readonly period: number;
  typeAt(index: number): ContainmentType;
  /** Start of session `index`, in milliseconds; index 0 is the newest, and later indexes never start later. */
  startAt(index: number): number;
  sessionAt(index: number): Session;
  /** Index of the session with this id. */
  find(sessionId: string): number | undefined;
}

const PERIOD = 40;
/** One session of this many is an odd one. */
const ODD_EVERY = 10;
/** One session of this many starts in the same millisecond as the one before it. */
const TWIN_EVERY = 37;
const INDEX_DIGITS = 6;
const MAX_COUNT = 16 ** INDEX_DIGITS;

export function generatedDay(of: { seed: number; botId: string; day: string; count: number }): GeneratedDay {
  const { botId, count } = of;
  if (count > MAX_COUNT) throw new RangeError(`a day holds at most ${MAX_COUNT} generated sessions`);
  const dayStartMs = Date.parse(`${of.day}T00:00:00.000Z`);
  if (Number.isNaN(dayStartMs)) throw new RangeError(`"${of.day}" is not a day in the form yyyy-mm-dd`);
  const seed = hashOf(`${of.seed}/${botId}/${of.day}`);
  const types = typePattern(seededRandom(mix(seed, -7)));

  const spreadStart = (index: number): number => {
    const jitter = mix(seed, index) / 2 ** 32;
    return dayStartMs + timeOfDay((count - 1 - index + jitter) / count);
  };
  const startAt = (index: number): number => {
    if (index === 0 && count > 1) return dayStartMs + DAY_MS - 1;
    if (index === count - 1) return dayStartMs;
    return spreadStart(index % TWIN_EVERY === TWIN_EVERY - 2 && index + 2 < count ? index + 1 : index);
  };
  const typeAt = (index: number): ContainmentType => types[index % PERIOD] ?? "selfService";
  const idAt = (index: number): string => objectId(startAt(index), seed, index);
  const sessionAt = (index: number): Session => {
    const random = seededRandom(mix(seed ^ 0x5bd1e995, index));
    const place = { botId, sessionId: idAt(index), startMs: startAt(index), containmentType: typeAt(index) };
    const session = plausibleSession(place, random);
    if (index % ODD_EVERY !== 4) return session;
    const oddity = ODDITIES[Math.floor(index / ODD_EVERY) % ODDITIES.length] ?? ODDITIES[0];
    return oddity(session);
  };
  const find = (sessionId: string): number | undefined => {
    const index = Number.parseInt(sessionId.slice(-INDEX_DIGITS), 16);
    return index < count && idAt(index) === sessionId ? index : undefined;
  };
  return { botId, count, period: PERIOD, typeAt, startAt, sessionAt, find };
}

/** A complete, plausible session, for a test or a demo that adds one by hand; `changes` replace its members. */
export function sampleSession(
  of: { botId: string; startTime: string; containmentType?: ContainmentType; number?: number },
  changes: Session = {},
): Session {
  const { botId, startTime, containmentType = "selfService", number = 0 } = of;
  const startMs = Date.parse(startTime);
  const seed = hashOf(`${botId}/${startTime}/${number}`);
  const place = { botId, sessionId: objectId(startMs, seed, MAX_COUNT - 1 - number), startMs, containmentType };
  return { ...plausibleSession(place, seededRandom(seed)), ...changes };
}

/** 24 hexadecimal digits that begin, as a MongoDB ObjectId does, with the second of the start. */
function objectId(startMs: number, seed: number, index: number): string {
  const second = Math.floor(startMs / 1000)
    .toString(16)
    .padStart(8, "0");
  const middle = seed.toString(16).padStart(8, "0");
  return `${second}${middle}a5${index.toString(16).padStart(INDEX_DIGITS, "0")}`;
}

/** Which sessions were contained, dropped or handed to an agent; each at least once in a period. */
function typePattern(random: Random): readonly ContainmentType[] {
  const pattern: ContainmentType[] = ["selfService", "agent", "dropOff"];
  while (pattern.length < PERIOD) {
    const share = random.next();
    pattern.push(share < 0.52 ? "selfService" : share < 0.83 ? "dropOff" : "agent");
  }
  return pattern;
}

interface Place {
  readonly botId: string;
  readonly sessionId: string;
  readonly startMs: number;
  readonly containmentType: ContainmentType;
}

const CHANNELS = ["rtm", "rtm", "rtm", "rtm", "korevg", "korevg", "korevg", "ivr", "msteams", "sms", "email"] as const;
const TIERS = ["standard", "standard", "standard", "silver", "gold"] as const;

function plausibleSession(place: Place, random: Random): Session {
  const channel = random.pick(CHANNELS);
  const topic = random.pick(TOPICS);
  const utterance = random.pick(topic.utterances);
  const messages = 2 + random.below(place.containmentType === "agent" ? 38 : 18);
  const lengthMs = messages * (9_000 + random.below(25_000)) + 600_000;
  return {
    sessionId: place.sessionId,
    botId: place.botId,
    channel,
    userId: `u-${random.uuid()}`,
    start_time: new Date(place.startMs).toISOString(),
    end_time: new Date(place.startMs + lengthMs).toISOString(),
    containmentType: place.containmentType,
    session_lang: [utterance.language],
    sessionType: "interactive",
    isDeveloper: random.below(80) === 0,
    sessionStatus: "closed",
    tags: {
      userTags: [
        { name: "customerTier", value: random.pick(TIERS) },
        { name: "customerSince", value: `20${10 + random.below(15)}-0${1 + random.below(9)}-1${random.below(10)}` },
      ],
      sessionTags: sessionTags(place, { channel, topic, utterance }, random),
      altText: random.below(3) === 0 ? [{ name: "label", value: `Card ${1 + random.below(6)} of 6` }] : [],
    },
    noOfMessagesExchanged: messages,
    noOfTasksExecuted: 1 + random.below(4),
  };
}

interface Conversation {
  readonly channel: string;
  readonly topic: Topic;
  readonly utterance: Utterance;
}

function sessionTags(place: Place, { channel, topic, utterance }: Conversation, random: Random): Session[] {
  const tags: Session[] = [
    { name: "topic", value: topic.name },
    { name: "intent", value: random.pick(topic.intents) },
    { name: "lastUtterance", value: utterance.text },
    { name: "authState", value: random.below(4) === 0 ? "anonymous" : `verified:${random.hex(16)}` },
    { name: "traceId", value: random.uuid() },
  ];
  if (channel === "korevg" || channel === "ivr") {
    tags.push({ name: "callerNumber", value: `+49${random.below(9_000_000) + 1_000_000}${random.below(900) + 100}` });
    tags.push({ name: "callId", value: `call-${place.sessionId}` });
  }
  if (place.containmentType === "agent") {
    tags.push({ name: "handoffReason", value: random.pick(HANDOFF_REASONS) });
    tags.push({ name: "queue", value: `queue-${topic.name}-${1 + random.below(3)}` });
  }
  if (random.below(3) === 0) tags.push({ name: "feedback", value: String(1 + random.below(5)) });
  if (random.below(3) > 0) tags.push({ name: "summary", value: summaryOf(place, topic, utterance, random) });
  return tags;
}

function summaryOf(place: Place, topic: Topic, { text }: Utterance, random: Random): string {
  const endings: Record<ContainmentType, string> = {
    selfService: "The bot answered; the customer had no further question.",
    dropOff: "The customer left before the last question was answered.",
    agent: "The bot handed the conversation over to an agent.",
  };
  const asked = `The customer asked about ${topic.name}: “${text}”.`;
  const tried = `Intents tried: ${random.pick(topic.intents)}, ${random.pick(topic.intents)}.`;
  return `${asked} ${tried} ${endings[place.containmentType]}`;
}
