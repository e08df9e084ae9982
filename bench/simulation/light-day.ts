import { createHash, hash } from "node:crypto";
import { objectKeys } from "../../functions/exporter/archive/listing.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { CONTAINMENT_TYPES } from "../../functions/exporter/contract.ts";
import type { BuiltSlice, Part } from "../../functions/exporter/export/build-slice.ts";
import type { Day } from "../../functions/exporter/export/calendar.ts";
import { type DayResult, sourceName } from "../../functions/exporter/export/export-day.ts";
import type { Reconciled } from "../../functions/exporter/export/reconcile.ts";
import type { Reader } from "../../functions/exporter/export/totals.ts";
import type { Attempt, Bench, DayWork, SliceOrder } from "../../functions/exporter/export/work.ts";
import { DayInSteps } from "../../functions/exporter/steps/day-in-steps.ts";
import type { InSteps } from "../../functions/exporter/steps/in-steps.ts";
import { requestsBelow } from "../../functions/exporter/steps/kept-answers.ts";
import { KeptSlices } from "../../functions/exporter/steps/kept-slices.ts";
import type { SimulatedPorts } from "./deployment.ts";

/** Of a session in Parquet: as in docs/cost.md. */
const BYTES_PER_SESSION = 208;

/**
 * A day in steps as `DayInSteps` does it, but for writing Parquet: its parts are only counted, and time passes for them.
 * Asking, keeping answers, counting, proving and publishing are the exporter's own.
 */
export class LightDay implements DayWork {
  readonly #day: DayInSteps;
  readonly #source: InSteps;
  readonly #dt: Day;
  readonly #ports: SimulatedPorts;
  readonly #prefix: string;
  readonly #kept: KeptSlices;

  constructor(source: InSteps, dt: Day, ports: SimulatedPorts) {
    this.#day = new DayInSteps(source, dt, ports);
    this.#source = source;
    this.#dt = dt;
    this.#ports = ports;
    this.#prefix = `light/${sourceName(source.source)}/${dt}/`;
    this.#kept = new KeptSlices(ports.scratch, this.#prefix);
  }

  open(begin: (left: Attempt | null) => Promise<Attempt>): Promise<Attempt> {
    return this.#day.open(begin);
  }

  ask<T>(topic: string, question: (reader: Reader) => Promise<T>): Promise<T> {
    return this.#day.ask(topic, question);
  }

  async slice(order: SliceOrder, read: (reader: Reader) => Promise<Reconciled>): Promise<void> {
    const { index, round, size } = order;
    const { sliceBudget, scratch, clock, times } = this.#ports;
    const prefix = `${this.#prefix}answers-${index}-${round}/`;
    const sessions = Math.min(size ?? Number.POSITIVE_INFINITY, sliceBudget);
    const about = `${this.#dt} slice ${index + 1}`;
    const light: { slice: BuiltSlice | null } = { slice: null };
    const built = await this.#source.ask({ kind: "read", about, prefix, sessions }, async (reader) => {
      if (await this.#kept.has(order)) return true;
      let rows = 0;
      const onReceived = (received: number) => {
        rows += received;
      };
      try {
        light.slice = lightSlice(await read({ ...reader, onReceived }), index, this.#dt);
      } finally {
        await clock.sleep(rows * times.readMsPerRow);
      }
      return false;
    });
    if (built) return;
    await this.#source.step({ kind: "build", about, sessions }, async () => {
      const { slice } = light;
      if (slice === null) throw new TypeError("a slice is read before it is built");
      await readAgain(scratch, prefix);
      const rows = slice.parts.reduce((sum, { rowCount }) => sum + rowCount, 0);
      await clock.sleep(rows * (times.readMsPerRow + times.buildMsPerRow));
      await this.#kept.keep(order, slice);
      return null;
    });
  }

  slices(): Promise<readonly BuiltSlice[]> {
    return this.#kept.load(null);
  }

  async finish(conclude: (bench: Bench) => Promise<DayResult>): Promise<DayResult> {
    const result = await this.#day.finish(async ({ folder, requests }) => {
      const slices = await this.#kept.load(folder);
      const read = await requestsBelow(this.#ports.scratch, this.#prefix);
      return conclude({ folder, slices, requests: requests + read });
    });
    this.#ports.scratch.expire(this.#prefix);
    this.#ports.scratch.expire(`days/${sourceName(this.#source.source)}/${this.#dt}/`);
    return result;
  }
}

/** What the build step reads: the answers as they were kept. */
async function readAgain(scratch: ArchiveStore, prefix: string): Promise<void> {
  for await (const key of objectKeys(scratch, prefix)) await scratch.read(key);
}

/** What `buildSlice` makes of a slice without a problem, its parts' bytes apart. */
export function lightSlice({ held, last, problems }: Reconciled, index: number, dt: Day): BuiltSlice {
  const archived = { dropOff: 0, selfService: 0, agent: 0, unclassified: 0 };
  const edges = { before: noRows(), after: noRows() };
  const ids: bigint[] = [];
  let [oldest, newest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { sight, type } of held.values()) {
    if (sight.kind === "edge" && type !== "unclassified") {
      edges[sight.side][type]++;
      edges[sight.side].all++;
      continue;
    }
    if (sight.kind !== "session") throw new TypeError(`the model has no such session: ${sight.key}`);
    archived[type]++;
    ids.push(hash("sha1", sight.session_id, "buffer").readBigUInt64LE());
    oldest = Math.min(oldest, sight.start_time);
    newest = Math.max(newest, sight.start_time);
  }
  return {
    parts: CONTAINMENT_TYPES.filter((type) => archived[type] > 0).map((type): Part => {
      const rowCount = archived[type];
      const sha256 = createHash("sha256").update(`${dt} ${index} ${type} ${rowCount}`).digest("hex");
      return { type, rowCount, file: { path: "", bytes: rowCount * BYTES_PER_SESSION, sha256 } };
    }),
    archived,
    ...edges,
    totals: last.closing,
    rejected: [],
    active: 0,
    duplicates: 0,
    coerced: new Map(),
    oldest: ids.length === 0 ? null : oldest,
    newest: ids.length === 0 ? null : newest,
    problems,
    ids: BigUint64Array.from(ids),
    erased: { users: "", leftOut: [] },
  };
}

function noRows() {
  return { dropOff: 0, selfService: 0, agent: 0, all: 0 };
}
