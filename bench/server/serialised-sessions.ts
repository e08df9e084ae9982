import { CONTAINMENT_TYPES, type ContainmentType } from "../../functions/exporter/contract.ts";
import { sessionTexts } from "../sessions.ts";

const DAY_MS = 86_400_000;

/** What part of a day's sessions each containment type has. */
const SHARES: Readonly<Record<ContainmentType, number>> = { dropOff: 0.35, selfService: 0.5, agent: 0.15 };

/** Beyond so many, sessions are alike but for their ids, users and times. */
const DIFFERENT = 100_000;

/** A day (`yyyy-mm-dd`, UTC) and how many sessions it has. */
export interface BusyDay {
  readonly day: string;
  readonly sessions: number;
}

/** What is asked for: instants in milliseconds, the end left out; null is all types. */
export interface PageQuery {
  readonly type: ContainmentType | null;
  readonly from: number;
  readonly to: number;
  readonly skip: number;
  readonly limit: number;
}

/** Sessions of one type, newest first, each as its JSON text and a comma. */
interface Store {
  readonly texts: Buffer;
  /** Where each text begins, and behind the last. */
  readonly offsets: Float64Array;
  readonly starts: Float64Array;
}

/** Part of a store: `first` ≤ index < `end`. */
interface Range {
  readonly store: Store;
  readonly first: number;
  readonly end: number;
}

/** Sessions of some days, serialised once, so that a page costs no more than finding it. */
export class SerialisedSessions {
  readonly #stores: ReadonlyMap<ContainmentType, Store>;

  constructor(days: readonly BusyDay[]) {
    const all = days.reduce((sum, { sessions }) => sum + sessions, 0);
    const templates = Array.from(sessionTexts(Math.min(all, DIFFERENT)), (text) => new Template(text));
    const newestFirst = days.toSorted((one, other) => (one.day < other.day ? 1 : -1));
    this.#stores = new Map(CONTAINMENT_TYPES.map((type) => [type, serialise(type, newestFirst, templates)]));
  }

  /** The body of an answer, in pieces. */
  page({ type, from, to, skip, limit }: PageQuery): Buffer[] {
    const ranges = [...this.#stores]
      .filter(([each]) => type === null || each === type)
      .map(([, store]) => ({ store, first: firstBefore(store.starts, to), end: firstBefore(store.starts, from) }));
    const total = ranges.reduce((sum, { first, end }) => sum + end - first, 0);
    const sent = Math.max(0, Math.min(limit, total - skip));
    const head = `{"total":${total},"moreAvailable":${skip + sent < total},"sessions":[`;
    const [only] = ranges;
    if (only === undefined) throw new TypeError(`there is no list of ${type}`);
    const texts = type === null ? newestOf(ranges, skip, sent) : textsOf(only.store, only.first + skip, sent);
    return [Buffer.from(head), texts, Buffer.from("]}")];
  }
}

function serialise(type: ContainmentType, newestFirst: readonly BusyDay[], templates: readonly Template[]): Store {
  const typeIndex = CONTAINMENT_TYPES.indexOf(type);
  const allStarts = newestFirst.flatMap(({ day, sessions }) => startsOf(day, shareOf(type, sessions)));
  const templateOf = (index: number) => templates[(index + typeIndex) % templates.length];
  const offsets = new Float64Array(allStarts.length + 1);
  for (const index of allStarts.keys()) {
    offsets[index + 1] = (offsets[index] ?? 0) + (templateOf(index)?.text.length ?? 0);
  }
  const texts = Buffer.allocUnsafeSlow(offsets.at(-1) ?? 0);
  for (const [index, start] of allStarts.entries()) {
    templateOf(index)?.write(texts, offsets[index] ?? 0, start, index * CONTAINMENT_TYPES.length + typeIndex);
  }
  return { texts, offsets, starts: Float64Array.from(allStarts) };
}

/** Level over the day, newest first. */
function startsOf(day: string, sessions: number): number[] {
  const last = Date.parse(day) + DAY_MS - 1;
  return Array.from({ length: sessions }, (_, number) => last - Math.floor(((number + 0.5) * DAY_MS) / sessions));
}

/** The last type has what rounding leaves. */
function shareOf(type: ContainmentType, sessions: number): number {
  if (type !== CONTAINMENT_TYPES.at(-1)) return Math.round(sessions * SHARES[type]);
  return CONTAINMENT_TYPES.slice(0, -1).reduce((rest, other) => rest - shareOf(other, sessions), sessions);
}

/** A session's text whose id, user and times are written anew: all of them have the same length in every session. */
class Template {
  /** With the comma behind it. */
  readonly text: Buffer;
  readonly #id: number;
  readonly #user: number;
  readonly #start: number;
  readonly #end: number;
  readonly #durationMs: number;

  constructor(text: string) {
    const { userId, start_time, end_time } = JSON.parse(text);
    this.text = Buffer.from(`${text},`);
    const placeOf = (member: string) => this.text.indexOf(`"${member}":"`) + member.length + 4;
    this.#id = placeOf("sessionId");
    this.#user = placeOf("userId") + userId.length;
    this.#start = placeOf("start_time");
    this.#end = placeOf("end_time");
    this.#durationMs = Date.parse(end_time) - Date.parse(start_time);
  }

  /** Writes the text of the session of a number below 2^32. */
  write(into: Buffer, at: number, start: number, number: number): void {
    this.text.copy(into, at);
    // Times an odd number, modulo 2^32: as unlike as random numbers, and no two the same.
    const unlike = (Math.imul(number + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, "0");
    into.write(Math.floor(start / 1_000).toString(16) + unlike, at + this.#id, "latin1");
    into.write(unlike, at + this.#user - unlike.length, "latin1");
    into.write(new Date(start).toISOString(), at + this.#start, "latin1");
    into.write(new Date(start + this.#durationMs).toISOString(), at + this.#end, "latin1");
  }
}

/** The first index whose start lies before an instant; starts are descending. */
function firstBefore(starts: Float64Array, instant: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) >= instant) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Texts in a row, without the comma behind the last. */
function textsOf({ texts, offsets }: Store, first: number, count: number): Buffer {
  return count === 0 ? Buffer.alloc(0) : texts.subarray(offsets[first], (offsets[first + count] ?? 0) - 1);
}

/** Meant for few sessions: looks for the newest one after another. */
function newestOf(ranges: readonly Range[], skip: number, count: number): Buffer {
  const next = ranges.map(({ store, first, end }) => ({ store, at: first, end }));
  const found: Buffer[] = [];
  for (let number = 0; number < skip + count; number++) {
    const [newest] = next
      .filter(({ at, end }) => at < end)
      .sort((one, other) => (other.store.starts[other.at] ?? 0) - (one.store.starts[one.at] ?? 0));
    if (newest === undefined) break;
    if (number >= skip) found.push(textsOf(newest.store, newest.at, 1), Buffer.from(","));
    newest.at++;
  }
  return Buffer.concat(found.slice(0, -1));
}
