import { type Session, StoredSession } from "./session.ts";
import { SessionSelection } from "./session-selection.ts";
import { HeldSessions, type SessionSequence } from "./session-sequence.ts";
import { type GeneratedDay, generatedDay } from "./sessions.ts";

/** The source that holds the sessions of every bot. */
export const ACCOUNT = "account";

/** What a session is filed under where its own members say otherwise, or say nothing. */
export interface Filing {
  /** Null: under none, so that only requests without a containment type return it. */
  readonly containmentType?: string | null;
  /** ISO 8601 instant. */
  readonly startTime?: string;
}

interface Bot {
  readonly held: Map<string | null, HeldSessions>;
  readonly byId: Map<string, StoredSession>;
  readonly lazyDays: { readonly day: GeneratedDay; readonly firstOrder: number }[];
  readonly lazy: Map<string, SessionSequence[]>;
}

/** The truth: every session that the stand-in has, by bot. */
export class SessionStore {
  readonly #seed: number;
  readonly #bots = new Map<string, Bot>();
  #nextOrder = 0;

  constructor(seed = 1, bots: readonly string[] = []) {
    this.#seed = seed;
    for (const botId of bots) this.addBot(botId);
  }

  addBot(botId: string): void {
    if (!this.#bots.has(botId)) {
      this.#bots.set(botId, { held: new Map(), byId: new Map(), lazyDays: [], lazy: new Map() });
    }
  }

  hasBot(botId: string): boolean {
    return this.#bots.has(botId);
  }

  bots(): readonly string[] {
    return [...this.#bots.keys()];
  }

  /** Adds a session as a value; throws if the bot already has its id, or if nothing says when it started. */
  add(botId: string, session: Session, filing: Filing = {}): StoredSession {
    return this.#file(stored(botId, { session }, session, filing, this.#nextOrder++));
  }

  /** Adds a session as a text that goes over the wire unchanged; it may be no object at all if `filing` has a start. */
  addText(botId: string, text: string, filing: Filing = {}): StoredSession {
    const value: unknown = JSON.parse(text);
    const session = typeof value === "object" && value !== null ? (value as Session) : {};
    return this.#file(stored(botId, { text }, session, filing, this.#nextOrder++));
  }

  /**
   * Replaces members of a session; one that is `undefined` in `changes` goes away. It keeps what it is filed under
   * unless `changes` names a new containmentType or start_time, or `filing` does.
   */
  update(botId: string, sessionId: string, changes: Session, filing: Filing = {}): StoredSession {
    const old = this.#held(botId, sessionId);
    const session = { ...old.session, ...changes };
    const kept: Filing = {
      containmentType: "containmentType" in changes ? typeOf(session) : old.containmentType,
      startTime: "start_time" in changes ? String(session.start_time) : new Date(old.startMs).toISOString(),
    };
    const row = stored(botId, { session }, session, { ...kept, ...filing }, old.order);
    this.#unfile(old);
    return this.#file(row);
  }

  remove(botId: string, sessionId: string): void {
    this.#unfile(this.#held(botId, sessionId));
  }

  /** Generates a day of sessions and holds them. */
  generate(botId: string, day: string, count: number): void {
    const generated = generatedDay({ seed: this.#seed, botId, day, count });
    for (let index = 0; index < count; index++) this.add(botId, generated.sessionAt(index));
  }

  /**
   * The same sessions as `generate`, made only when a page asks for them: a million cost no memory. They cannot be
   * updated or removed; a request that filters by more than time and containment type makes all of its window.
   */
  generateLazily(botId: string, day: string, count: number): void {
    const bot = this.#bot(botId);
    const generated = generatedDay({ seed: this.#seed, botId, day, count });
    const firstOrder = this.#nextOrder;
    this.#nextOrder += count;
    bot.lazyDays.push({ day: generated, firstOrder });
    const indexesByType = Map.groupBy(Array(generated.period).keys(), (index) => generated.typeAt(index));
    for (const [type, indexes] of indexesByType) {
      const sequence = lazySequence(generated, indexes, firstOrder);
      bot.lazy.set(type, [...(bot.lazy.get(type) ?? []), sequence]);
    }
  }

  /** Every session of the bot, or of the account, newest first. */
  all(source: string): StoredSession[] {
    return this.select(source, null, -Infinity, Infinity).rows().toArray();
  }

  /** The sessions that started in the half-open span from `fromMs` to `toMs`, newest first. */
  between(source: string, fromMs: number, toMs: number): StoredSession[] {
    return this.select(source, null, fromMs, toMs - 1)
      .rows()
      .toArray();
  }

  /** The sessions that started from `fromMs` to `toMs`, both included; of every containment type when it is null. */
  select(
    source: string,
    containmentType: string | null,
    fromMs: number,
    toMs: number,
    also: readonly SessionSequence[] = [],
  ): SessionSelection {
    const sequences = this.#botsOf(source).flatMap((bot) => sequencesOf(bot, containmentType));
    return new SessionSelection([...sequences, ...also], fromMs, toMs);
  }

  find(source: string, sessionId: string): StoredSession | undefined {
    for (const bot of this.#botsOf(source)) {
      const found = bot.byId.get(sessionId) ?? findLazy(bot, sessionId);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #bot(botId: string): Bot {
    this.addBot(botId);
    return this.#bots.get(botId) as Bot;
  }

  #botsOf(source: string): Bot[] {
    if (source === ACCOUNT) return [...this.#bots.values()];
    const bot = this.#bots.get(source);
    return bot === undefined ? [] : [bot];
  }

  #held(botId: string, sessionId: string): StoredSession {
    const row = this.#bots.get(botId)?.byId.get(sessionId);
    if (row === undefined) throw new Error(`bot ${botId} holds no session ${sessionId}`);
    return row;
  }

  #file(row: StoredSession): StoredSession {
    const bot = this.#bot(row.botId);
    const { sessionId, containmentType } = row;
    if (sessionId !== null) {
      if (bot.byId.has(sessionId)) throw new Error(`bot ${row.botId} already holds a session ${sessionId}`);
      bot.byId.set(sessionId, row);
    }
    const list = bot.held.get(containmentType) ?? new HeldSessions();
    bot.held.set(containmentType, list);
    list.add(row);
    return row;
  }

  #unfile(row: StoredSession): void {
    const bot = this.#bot(row.botId);
    bot.held.get(row.containmentType)?.remove(row);
    if (row.sessionId !== null) bot.byId.delete(row.sessionId);
  }
}

function stored(
  botId: string,
  content: { readonly session: Session } | { readonly text: string },
  session: Session,
  filing: Filing,
  order: number,
): StoredSession {
  const startMs = Date.parse(filing.startTime ?? String(session.start_time));
  if (Number.isNaN(startMs)) throw new Error(`a session of ${botId} has no start_time, and no startTime was given`);
  const containmentType = filing.containmentType === undefined ? typeOf(session) : filing.containmentType;
  return new StoredSession({ botId, order, startMs, containmentType, content });
}

function typeOf(session: Session): string | null {
  const { containmentType } = session;
  return typeof containmentType === "string" ? containmentType : null;
}

function sequencesOf(bot: Bot, containmentType: string | null): SessionSequence[] {
  if (containmentType === null) return [...bot.held.values(), ...[...bot.lazy.values()].flat()];
  const held = bot.held.get(containmentType);
  return [...(held === undefined ? [] : [held]), ...(bot.lazy.get(containmentType) ?? [])];
}

function lazyRow(day: GeneratedDay, index: number, firstOrder: number): StoredSession {
  return new StoredSession({
    botId: day.botId,
    order: firstOrder + index,
    startMs: day.startAt(index),
    containmentType: day.typeAt(index),
    content: { session: day.sessionAt(index) },
  });
}

function findLazy(bot: Bot, sessionId: string): StoredSession | undefined {
  for (const { day, firstOrder } of bot.lazyDays) {
    const index = day.find(sessionId);
    if (index !== undefined) return lazyRow(day, index, firstOrder);
  }
  return undefined;
}

/** The sessions of a day whose index, modulo the period, is one of `residues`. */
function lazySequence(day: GeneratedDay, residues: readonly number[], firstOrder: number): SessionSequence {
  const indexOf = (position: number): number =>
    Math.floor(position / residues.length) * day.period + (residues[position % residues.length] ?? 0);
  const wholePeriods = Math.floor(day.count / day.period);
  const rest = residues.filter((residue) => residue < day.count % day.period).length;
  return {
    length: wholePeriods * residues.length + rest,
    startAt: (position) => day.startAt(indexOf(position)),
    orderAt: (position) => firstOrder + indexOf(position),
    rowAt: (position) => lazyRow(day, indexOf(position), firstOrder),
  };
}
