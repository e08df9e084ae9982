import { rm } from "node:fs/promises";
import type { Clock } from "../clock.ts";
import type { KoreClient } from "../kore/client.ts";
import { ReadAhead } from "../kore/read-ahead.ts";
import type { Source } from "../kore/wire.ts";
import { makeScratch } from "../scratch.ts";
import { type BuiltSlice, buildSlice } from "./build-slice.ts";
import type { Day } from "./calendar.ts";
import { type ErasedUsers, NOBODY_ERASED } from "./erased-users.ts";
import { type Progress, sourceName } from "./export-day.ts";
import type { Reconciled } from "./reconcile.ts";
import type { Room } from "./room.ts";
import type { Reader } from "./totals.ts";
import type { Attempt, Bench, DayWork, Next, SliceOrder, SourceWork } from "./work.ts";

const ERASURE_POLL_MS = 5_000;

/** What working at once needs. */
export interface AtOncePorts {
  readonly clock: Clock;
  readonly pageSize: number;
  /** A local folder for temporary files. */
  readonly scratch: string;
  /** Shared by all sources of a run. */
  readonly room: Room;
  /** Users whose sessions are left out, asked for once an attempt. */
  readonly erasedUsers: () => Promise<ErasedUsers>;
  /** From this instant on no further day is begun. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Exports a source in one go, in this process: what is read and not yet published is lost with it. */
export class AtOnce implements SourceWork {
  readonly source: Source;
  readonly #client: KoreClient;
  readonly #ports: AtOncePorts;

  constructor(source: Source, client: KoreClient, ports: AtOncePorts) {
    this.source = source;
    this.#client = client;
    this.#ports = ports;
  }

  async next(find: (reader: Reader) => Promise<Day | null>): Promise<Next> {
    const { clock, deadline } = this.#ports;
    if (clock.now() >= deadline) return { kind: "stopped" };
    const dt = await find(this.#reader());
    return dt === null ? { kind: "none" } : { kind: "day", dt };
  }

  async day<T>(dt: Day, run: (work: DayWork) => Promise<T>): Promise<T> {
    const folder = await makeScratch(this.#ports.scratch);
    try {
      return await run(new DayAtOnce(this.#reader(dt), this.#client, this.#ports, folder));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #reader(dt?: Day): Reader {
    const { pageSize, signal, onProgress } = this.#ports;
    const reader = { api: new ReadAhead(this.#client), source: this.source, pageSize, ...(signal && { signal }) };
    if (dt === undefined || onProgress === undefined) return reader;
    let expected: number | null = null;
    const onReceived = (received: number) => onProgress({ source: sourceName(this.source), dt, received, expected });
    const onExpected = (sessions: number) => {
      expected = sessions;
      onReceived(0);
    };
    return { ...reader, onReceived, onExpected };
  }
}

class DayAtOnce implements DayWork {
  readonly #reader: Reader;
  readonly #client: KoreClient;
  readonly #ports: Pick<AtOncePorts, "clock" | "room" | "erasedUsers">;
  readonly #folder: string;
  readonly #requestsBefore: number;
  #slices: BuiltSlice[] = [];
  #erased: ErasedUsers = NOBODY_ERASED;

  constructor(
    reader: Reader,
    client: KoreClient,
    ports: Pick<AtOncePorts, "clock" | "room" | "erasedUsers">,
    folder: string,
  ) {
    this.#reader = reader;
    this.#client = client;
    this.#ports = ports;
    this.#folder = folder;
    this.#requestsBefore = client.attempts;
  }

  async open(begin: (left: Attempt | null) => Promise<Attempt>): Promise<Attempt> {
    this.#slices = [];
    this.#erased = await this.#settledErasures();
    return begin(null);
  }

  /** A record that was only just written is given the time for the digest that names it. */
  async #settledErasures(): Promise<ErasedUsers> {
    const { clock, erasedUsers } = this.#ports;
    for (;;) {
      const erased = await erasedUsers();
      if (erased.settledAt === null) return erased;
      await clock.sleep(Math.min(ERASURE_POLL_MS, erased.settledAt - clock.now()), this.#reader.signal);
    }
  }

  async ask<T>(_topic: string, question: (reader: Reader) => Promise<T>): Promise<T> {
    return question(this.#reader);
  }

  async slice({ index, size }: SliceOrder, read: (reader: Reader) => Promise<Reconciled>): Promise<void> {
    const work = async () => buildSlice(await read(this.#reader), index, this.#folder, this.#erased);
    this.#slices[index] = await this.#ports.room.run(size ?? Number.POSITIVE_INFINITY, work);
  }

  async slices(): Promise<readonly BuiltSlice[]> {
    return this.#slices;
  }

  async finish<T>(conclude: (bench: Bench) => Promise<T>): Promise<T> {
    const requests = this.#client.attempts - this.#requestsBefore;
    return conclude({ folder: this.#folder, slices: this.#slices, requests });
  }
}
