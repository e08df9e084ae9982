import { createHash, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { z } from "zod";
import type { ArchiveStore } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { type ErrorCode, ExporterError } from "../errors.ts";
import { type BuiltSlice, buildSlice } from "../export/build-slice.ts";
import type { Day } from "../export/calendar.ts";
import type { ErasedUsers } from "../export/erased-users.ts";
import { type DayResult, sourceName } from "../export/export-day.ts";
import type { Reconciled } from "../export/reconcile.ts";
import type { Reader } from "../export/totals.ts";
import type { Attempt, Bench, DayWork, SliceOrder } from "../export/work.ts";
import { makeScratch } from "../scratch.ts";
import type { InSteps } from "./in-steps.ts";
import { KeptAnswers, requestsBelow } from "./kept-answers.ts";
import { KeptSlices } from "./kept-slices.ts";
import { onlyKept } from "./remembering-api.ts";
import { revivedError, shortened, type ToldError, tellError } from "./told-error.ts";

/** Scratch empties itself after two days; what is older than this is not gone on with. */
const OLDEST_ATTEMPT_MS = 36 * 3_600_000;

/** Errors after which what was kept is no good start: it may itself be at fault. */
const NOT_TO_BE_GONE_ON_WITH: ReadonlySet<ErrorCode> = new Set(["ERR_INTERNAL", "ERR_KORE_REFUSED"]);

/** What a day's attempt in scratch says of itself. */
const keptAttempt = z.object({
  /** Folder of everything that belongs to it. */
  id: z.string(),
  /** Of the settings it was read with: answers to other questions are of no use. */
  settings: z.string(),
  /** True once it came to its end. */
  closed: z.boolean(),
  runId: z.string(),
  startedAt: z.number(),
  seen: z.string().nullable(),
});
type KeptAttempt = Readonly<z.infer<typeof keptAttempt>>;

/** What a day needs of its surroundings. */
export interface DayPorts {
  readonly clock: Clock;
  readonly scratch: ArchiveStore;
  readonly pageSize: number;
  readonly sliceBudget: number;
  readonly timeZone: string;
  readonly exporterVersion: string;
  /** How personal data is treated, in the one spelling of its rules. */
  readonly personalData: string;
  /** Users whose sessions are left out, asked for in each step that needs to know. */
  readonly erasedUsers: () => Promise<ErasedUsers>;
}

/** Exports a day in steps, and goes on with what another run left of it. */
export class DayInSteps implements DayWork {
  readonly #source: InSteps;
  readonly #dt: Day;
  readonly #ports: DayPorts;
  readonly #prefix: string;
  #id = "";

  constructor(source: InSteps, dt: Day, ports: DayPorts) {
    this.#source = source;
    this.#dt = dt;
    this.#ports = ports;
    this.#prefix = `days/${sourceName(source.source)}/${dt}/`;
  }

  async open(begin: (left: Attempt | null) => Promise<Attempt>): Promise<Attempt> {
    for (;;) {
      const opened = await this.#openOnce(begin);
      if ("attempt" in opened) return opened.attempt;
      await this.#source.wait(`erasure of ${this.#dt}`, opened.waitMs);
    }
  }

  async #openOnce(
    begin: (left: Attempt | null) => Promise<Attempt>,
  ): Promise<{ readonly attempt: Attempt } | { readonly waitMs: number }> {
    const opened = await this.#step("open", "", async () => {
      const erased = await this.#ports.erasedUsers();
      // A record that was only just written is given the time for the digest that names it.
      if (erased.settledAt !== null) return { waitMs: Math.max(1_000, erased.settledAt - this.#ports.clock.now()) };
      const found = await this.#read();
      const settings = this.#settings(erased);
      const left = found.kept !== null && this.#isUsable(found.kept, settings) ? found.kept : null;
      const begun = await begin(left);
      const goesOn = left !== null && begun.runId === left.runId && begun.startedAt === left.startedAt;
      const kept = { id: goesOn ? left.id : randomUUID(), settings, closed: false, ...begun };
      await this.#write(kept, found.version);
      const { runId, startedAt, seen } = begun;
      return { id: kept.id, attempt: { runId, startedAt, seen } };
    });
    if ("waitMs" in opened) return opened;
    this.#id = opened.id;
    return { attempt: opened.attempt };
  }

  async ask<T>(topic: string, question: (reader: Reader) => Promise<T>): Promise<T> {
    const prefix = `${this.#folder()}${topic.replaceAll(" ", "-")}/`;
    return this.#source.ask({ kind: "plan", about: `${this.#dt} ${topic}`, prefix, sessions: 0 }, question);
  }

  async slice(order: SliceOrder, read: (reader: Reader) => Promise<Reconciled>): Promise<void> {
    const { index, round, size } = order;
    const slices = new KeptSlices(this.#ports.scratch, this.#folder());
    const prefix = `${this.#folder()}answers-${index}-${round}/`;
    // Nobody knows how much comes where Kore gives no totals: such a slice has all of the room to itself.
    const sessions = size === null ? Number.POSITIVE_INFINITY : Math.min(size, this.#ports.sliceBudget);
    const about = `${this.#dt} slice ${index + 1}`;
    const built = await this.#source.ask({ kind: "read", about, prefix, sessions }, async (reader) => {
      if (await slices.has(order)) return true;
      await read(reader);
      return false;
    });
    if (built) return;
    await this.#step(
      "build",
      `slice ${index + 1}`,
      async () => {
        if (await slices.has(order)) return null;
        const api = onlyKept(await KeptAnswers.load(this.#ports.scratch, prefix));
        const reconciled = await read({ api, source: this.#source.source, pageSize: this.#ports.pageSize });
        const erased = await this.#ports.erasedUsers();
        await inFolder(async (folder) => slices.keep(order, await buildSlice(reconciled, index, folder, erased)));
        return null;
      },
      sessions,
    );
  }

  async slices(): Promise<readonly BuiltSlice[]> {
    return new KeptSlices(this.#ports.scratch, this.#folder()).load(null);
  }

  async finish(conclude: (bench: Bench) => Promise<DayResult>): Promise<DayResult> {
    const { error, ...result } = await this.#step("publish", "", () =>
      inFolder(async (folder): Promise<ToldResult> => {
        const slices = await new KeptSlices(this.#ports.scratch, this.#folder()).load(folder);
        const requests = await requestsBelow(this.#ports.scratch, this.#folder());
        const concluded = await conclude({ folder, slices, requests });
        if (concluded.error === null || NOT_TO_BE_GONE_ON_WITH.has(concluded.error.code)) await this.#close();
        return toldResult(concluded);
      }),
    );
    return { ...result, error: error && revivedError(error) };
  }

  #step<T>(kind: "open" | "build" | "publish", about: string, work: () => Promise<T>, sessions = 0): Promise<T> {
    return this.#source.step({ kind, about: `${this.#dt} ${about}`.trimEnd(), sessions }, work);
  }

  #folder(): string {
    return `${this.#prefix}${this.#id === "" ? "none" : this.#id}/`;
  }

  #isUsable({ closed, settings: kept, startedAt }: KeptAttempt, settings: string): boolean {
    return !closed && kept === settings && this.#ports.clock.now() - startedAt < OLDEST_ATTEMPT_MS;
  }

  #settings(erased: ErasedUsers): string {
    const { pageSize, sliceBudget, timeZone, exporterVersion, personalData } = this.#ports;
    const text = JSON.stringify([exporterVersion, timeZone, pageSize, sliceBudget, personalData, erased.name]);
    return createHash("sha256").update(text).digest("hex");
  }

  async #read(): Promise<{ kept: KeptAttempt | null; version: string | null }> {
    const object = await this.#ports.scratch.read(`${this.#prefix}attempt.json`);
    if (object === null) return { kept: null, version: null };
    const parsed = keptAttempt.safeParse(JSON.parse(object.body.toString()));
    return { kept: parsed.success ? parsed.data : null, version: object.version };
  }

  async #write(kept: KeptAttempt, version: string | null): Promise<void> {
    await this.#ports.scratch.writeIf(`${this.#prefix}attempt.json`, Buffer.from(JSON.stringify(kept)), version);
  }

  async #close(): Promise<void> {
    const { kept, version } = await this.#read();
    if (kept?.id === this.#id) await this.#write({ ...kept, closed: true }, version).catch(unlessChanged);
  }
}

/** Another run has begun an attempt of its own. */
function unlessChanged(error: unknown): void {
  if (!(error instanceof ExporterError) || error.code !== "ERR_ARCHIVE_CHANGED") throw error;
}

/** The record has all of them; a step's result must be small. */
const MOST_PROBLEMS_TOLD = 6;

type ToldResult = Omit<DayResult, "error"> & { readonly error: ToldError | null };

function toldResult({ error, record, ...result }: DayResult): ToldResult {
  const told = record?.problems.slice(0, MOST_PROBLEMS_TOLD) ?? [];
  const problems = told.map(({ code, message }) => ({ code, message: shortened(message) }));
  return { ...result, record: record && { ...record, problems }, error: error && tellError(error) };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await makeScratch();
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
