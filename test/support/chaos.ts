import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Fault, sampleSession } from "../../demo/stand-in/server.ts";
import { STEP_TIMES } from "../../functions/exporter/steps/steps.ts";
import type { Around, RunOptions } from "./durable-run.ts";
import { filesBelow } from "./files.ts";
import { openFolder } from "./open-folder.ts";
import type { Scenario } from "./scenario.ts";

export type Random = () => number;

/** Numbers in [0, 1) that are the same in every run. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const DAY_MS = 86_400_000;
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new RangeError("nothing to pick from");
  return value;
}

/** A night: what Kore does, how often the schedule starts the run, and what happens to the run itself. */
export interface Weather {
  readonly name: string;
  readonly faults: readonly Fault[];
  readonly starts: "none" | "once" | "twice at once" | "again later" | "beside a run by hand";
  readonly disturb: (steps: Disturbance) => RunOptions;
  /** Whether a secret changes, and if so when its new value can be read. */
  readonly rotates: "not" | "before" | "at a step" | "value only in the morning";
  /** False if the night may leave days unread. */
  readonly reaches: boolean;
  /** What the previous day of these sources must say when the night is over. */
  readonly leaves: { readonly code: string; readonly sources: readonly string[] } | null;
}

/** What a run's disturbance may do. */
export interface Disturbance {
  readonly random: Random;
  readonly rotate: () => void;
}

const CLEAR: Weather = {
  name: "clear",
  faults: [],
  starts: "once",
  disturb: () => ({}),
  rotates: "not",
  reaches: true,
  leaves: null,
};

export const clearNight = (): Weather => CLEAR;

/** Does something once, at a step that chance names. */
function atSomeStep(random: Random, most: number, disturb: Around): Around {
  const n = 1 + Math.floor(random() * most);
  let count = 0;
  return (name, work) => {
    count++;
    return count === n ? disturb(name, work) : work();
  };
}

const crashBefore: Weather["disturb"] = ({ random }) => ({
  around: atSomeStep(random, 20, (name) => Promise.reject(new Error(`killed before ${name}`))),
});

const crashAfter: Weather["disturb"] = ({ random }) => ({
  around: atSomeStep(random, 20, async (name, work) => {
    await work();
    throw new Error(`killed after ${name}`);
  }),
});

/** From some step on nothing is done any more. */
const dies: Weather["disturb"] = ({ random }) => {
  const last = 1 + Math.floor(random() * 16);
  let count = 0;
  return {
    around: (name, work) => {
      count++;
      return count <= last ? work() : Promise.reject(new Error(`dead before ${name}`));
    },
  };
};

const runsOut: Weather["disturb"] = ({ random }) => ({
  limits: { operations: 6 + Math.floor(random() * 16), times: STEP_TIMES },
});

const rotatesAtAStep: Weather["disturb"] = ({ random, rotate }) => ({
  around: atSomeStep(random, 12, (_name, work) => {
    rotate();
    return work();
  }),
});

/** A night as chance will have it; `bots` are those that the exporter archives. */
export function weatherOf(random: Random, bots: readonly string[], late: Fault): Weather {
  const hit = pick(random, [bots, bots.slice(0, 1), bots.slice(1)]);
  const one = hit.length === 1 && hit[0] !== undefined ? { source: hit[0] } : {};
  const after = Math.floor(random() * 25);
  const often = 1 + Math.floor(random() * 4);
  const is = (name: string, changes: Partial<Weather>): Weather => ({ ...CLEAR, name, ...changes });
  const outage = (name: string, code: string, fault: Fault) =>
    is(name, { faults: [{ ...fault, ...one }], reaches: false, leaves: { code, sources: hit } });
  return pick(random, [
    () => is("clear", {}),
    () => outage("503 the whole night", "ERR_KORE_UNAVAILABLE", { kind: "refused", status: 503 }),
    () => outage("maintenance page", "ERR_KORE_NOT_THE_API", { kind: "foreign-answer", shape: "html" }),
    () => outage("429 the whole night", "ERR_KORE_RATE_LIMITED", { kind: "refused", status: 429 }),
    () =>
      is("outage from some request on", { faults: [{ kind: "refused", status: 503, after, ...one }], reaches: false }),
    () => is("500 for a while", { faults: [{ kind: "refused", status: 500, after, times: often, ...one }] }),
    () => is("a hang", { faults: [{ kind: "hang", after, times: 1 }] }),
    () => is("resets", { faults: [{ kind: "reset", after, times: often }] }),
    () =>
      is("cut bodies", {
        faults: [{ kind: "cut-body", as: pick(random, ["broken", "complete"]), after, times: often }],
      }),
    () => is("throttled", { faults: [{ kind: "refused", status: 429, retryAfterSeconds: 90, after, times: 2 }] }),
    () => is("totals that lie", { faults: [{ kind: "total", as: { offset: 1 }, after, times: 30 }], reaches: false }),
    () => is("a session comes while the run reads", { faults: [late] }),
    () => is("no run", { starts: "none", reaches: false }),
    () => is("two runs at once", { starts: "twice at once" }),
    () => is("two runs at once, one dies", { starts: "twice at once", disturb: dies, reaches: false }),
    () => is("delivered again hours later", { starts: "again later" }),
    () =>
      is("delivered again after an outage", {
        starts: "again later",
        faults: [{ kind: "refused", status: 503, after, times: 40 }],
        reaches: false,
      }),
    () => is("beside a run by hand", { starts: "beside a run by hand" }),
    () => is("out of operations", { disturb: runsOut, reaches: false }),
    () => is("a crash before a step", { disturb: crashBefore }),
    () => is("a crash after a step", { disturb: crashAfter }),
    () => is("the execution dies", { disturb: dies, reaches: false }),
    () => is("secret rotated", { rotates: "before" }),
    () => is("secret rotated at a step", { rotates: "at a step", disturb: rotatesAtAStep }),
    () => is("secret rotated too early", { rotates: "value only in the morning", reaches: false }),
  ])();
}

const NEXT_TYPE: Readonly<Record<string, string>> = { dropOff: "selfService", selfService: "agent" };

/**
 * A session moves on to its next containment type. Moves go one way, so that no two of them give a day the totals that
 * it had before: Kore's totals are all that tells of a change on a complete day.
 */
function move({ kore }: Scenario, bot: string, sessionId: string, changes: Record<string, unknown> = {}): void {
  const type = kore.store.find(bot, sessionId)?.containmentType ?? "agent";
  kore.store.update(bot, sessionId, { containmentType: NEXT_TYPE[type] ?? type, ...changes });
}

/** Sessions that are still active, and until when. */
export class OpenSessions {
  readonly #open: { bot: string; sessionId: string; day: string; closesAt: number }[] = [];
  readonly #days = new Set<string>();

  /** A session of one of the last three days appears. Some stay active until their day is up to ten days old. */
  arrive({ kore, clock }: Scenario, bot: string, random: Random, name: string): void {
    const age = Math.ceil(random() * 3);
    const day = dayOf(clock.now() - age * DAY_MS);
    const sessionId = `late-${name}`;
    const active = random() < 0.3;
    const startTime = `${day}T${String(Math.floor(random() * 24)).padStart(2, "0")}:30:00Z`;
    const containmentType = pick(random, ["dropOff", "selfService", "agent"]);
    const session = { ...sampleSession({ botId: bot, startTime }), sessionId, containmentType };
    kore.store.add(bot, { ...session, sessionStatus: active ? "active" : "closed" });
    if (!active) return;
    this.#days.add(`${bot} ${day}`);
    this.#open.push({ bot, sessionId, day, closesAt: clock.now() + random() * (10 - age) * DAY_MS });
  }

  /** Sessions whose time has come end, of another type than before. */
  close(scenario: Scenario): void {
    for (const [index, { bot, sessionId, closesAt }] of [...this.#open.entries()].reverse()) {
      if (closesAt > scenario.clock.now()) continue;
      this.#open.splice(index, 1);
      move(scenario, bot, sessionId, { sessionStatus: "closed" });
    }
  }

  /** True for a day that had an active session: a night that misses its last age would leave it as it is. */
  has(day: string, bots: readonly string[]): boolean {
    return bots.some((bot) => this.#days.has(`${bot} ${day}`));
  }
}

/** A session of the last three days turns out to be of another type. */
export function changeType(scenario: Scenario, bot: string, random: Random): void {
  const now = scenario.clock.now();
  const recent = scenario.kore.store.between(bot, Date.parse(dayOf(now - 3 * DAY_MS)), Date.parse(dayOf(now)));
  const chosen = recent[Math.floor(random() * recent.length)];
  if (chosen?.session.sessionStatus === "closed") move(scenario, bot, String(chosen.session.sessionId));
}

/** Every session of an archive, by bot and day, as `id type hash-of-its-text` in order. */
export async function wholeArchive(archive: string): Promise<Map<string, string[]>> {
  const views = await openFolder(archive);
  try {
    const { rows } = await views.query("SELECT bot_id, dt, session_id, containment_type, raw FROM sessions");
    const lines = rows.map(
      ([bot, day, id, type, raw]) => [`${bot} ${day}`, `${id} ${type} ${sha256(String(raw))}`] as const,
    );
    const byDay = Map.groupBy(lines, ([key]) => key);
    return new Map([...byDay].map(([key, found]) => [key, found.map(([, line]) => line).sort()]));
  } finally {
    views.closeSync();
  }
}

/** The same of the stand-in, for one bot and day. */
export function wholeTruth({ kore }: Scenario, bot: string, day: string): string[] {
  return kore.store
    .between(bot, Date.parse(day), Date.parse(day) + DAY_MS)
    .map(({ session, containmentType, text }) => `${session.sessionId} ${containmentType} ${sha256(text)}`)
    .sort();
}

/** The files of every day and bot from a day on, each as one text that changes whenever a file does. */
export async function filesByDay(archive: string, from: string): Promise<Map<string, string>> {
  const root = join(archive, "sessions");
  const days = (await readdir(root).catch(() => [])).filter((name) => name >= `dt=${from}`);
  const found = await Promise.all(
    days.map(async (name) => {
      const files = await filesBelow(join(root, name));
      return files.map(({ path, sha256 }) => ({ path: `sessions/${name}/${path}`, sha256 }));
    }),
  );
  const byDay = Map.groupBy(found.flat(), ({ path }) => {
    const [, day, bot] = /dt=([^/]+)\/.*\/(.+)-part-/.exec(path) ?? [];
    return `${bot} ${day}`;
  });
  return new Map([...byDay].map(([key, files]) => [key, filesText(files)]));
}

/** Files with their hashes as one text. */
export function filesText(files: readonly { readonly path: string; readonly sha256: string }[]): string {
  return files
    .map(({ path, sha256 }) => `${path} ${sha256}`)
    .sort()
    .join("\n");
}
