import { dayName } from "../archive/digest-chain.ts";
import { parseFileKey, parseLedgerKey } from "../archive/layout.ts";
import { listEntries } from "../archive/listing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { type CheckedChain, checkChain, type Trust, type VouchedState } from "./chain.ts";
import { checkLedger } from "./day.ts";
import { checkErased, checkErasures, type KnownErasures } from "./erasures.ts";
import { FileCheck } from "./files.ts";
import { addedTo, type Find, type Finding } from "./finding.ts";
import { LocalCopies } from "./local-copies.ts";
import { checkRows, type TakenFile } from "./rows.ts";
import { SessionReader } from "./session-reader.ts";
import { checkVersions } from "./versions.ts";

/** Days that are read at the same time. */
const DAYS_AT_ONCE = 4;

/** What a verification needs, and tells on its way. */
export interface VerifyPorts {
  readonly store: ArchiveStore;
  /** Of the store: a folder's path, or `s3://bucket/prefix`. */
  readonly location: string;
  /** A folder for temporary files: the files of four days, and what DuckDB puts aside. */
  readonly scratch: string;
  readonly trust: Trust;
  readonly signal?: AbortSignal;
  readonly onDay?: (done: number, all: number) => void;
}

/** A day that a later run than the one that wrote it was the first to vouch for. */
export interface AdoptedDay {
  readonly dt: string;
  readonly source: string;
  readonly digest: number;
}

/** What a verification came to. */
export interface Verification {
  readonly checked: {
    readonly digests: number;
    readonly days: number;
    readonly files: number;
    readonly rows: number;
    readonly bytes: number;
  };
  /** Digests with a good signature; null where no key was given. */
  readonly signed: number | null;
  /** `none`: the archive lies where no versions are kept; `denied`: they may not be listed. */
  readonly versions: "checked" | "none" | "denied";
  readonly head: CheckedChain["head"];
  /** Empty if the archive is as its runs left it. */
  readonly findings: readonly Finding[];
  readonly adopted: readonly AdoptedDay[];
}

/** Reads everything in an archive and finds what is not as runs left it. No run may be at work on it meanwhile. */
export async function verifyArchive(ports: VerifyPorts): Promise<Verification> {
  const { store, trust } = ports;
  const findings: Finding[] = [];
  const find: Find = (code, key, message) => void findings.push({ code, key, message });
  const chain = await checkChain(store, trust, find);
  const files = new FileCheck(new LocalCopies(store, ports.location, ports.scratch), find);
  const days = await daysOf(store, chain, find);
  const erasures = await checkErasures(store, find);
  const { rows, adopted } = await checkDays(days, chain, files, erasures, ports, find);
  await files.judge(dataKeys(store, find));
  const versions = await versionsOf(store, chain, find);
  return {
    checked: { digests: chain.digests, days: days.length, ...files.totals, rows },
    signed: trust.publicKeys.length === 0 ? null : chain.signed,
    versions,
    head: chain.head,
    findings: findings.sort((one, other) => compare(one.code, other.code) || compare(one.key, other.key)),
    adopted: adopted.sort((one, other) => compare(dayName(one.dt, one.source), dayName(other.dt, other.source))),
  };
}

type Place = { readonly dt: string; readonly source: string };

/** Every day that a record or a digest tells of. */
async function daysOf(store: ArchiveStore, { days }: CheckedChain, find: Find): Promise<Place[]> {
  const places = new Map<string, Place>(days.entries().map(([name, { dt, source }]) => [name, { dt, source }]));
  for await (const { parsed } of listEntries(store, PREFIXES.exports, parseLedgerKey, addedTo(find))) {
    const { day: dt, source } = parsed;
    places.set(dayName(dt, source), { dt, source });
  }
  return [...places.values()];
}

async function checkDays(
  days: readonly Place[],
  chain: CheckedChain,
  files: FileCheck,
  erasures: KnownErasures,
  { store, scratch, signal, onDay }: VerifyPorts,
  find: Find,
): Promise<{ rows: number; adopted: AdoptedDay[] }> {
  const reader = await SessionReader.open(scratch);
  const queue = [...days];
  const adopted: AdoptedDay[] = [];
  let rows = 0;
  let done = 0;
  const work = async () => {
    for (let day = queue.pop(); day !== undefined; day = queue.pop()) {
      signal?.throwIfAborted();
      const vouched = chain.days.get(dayName(day.dt, day.source));
      const result = await checkDay(day, vouched, { store, files, erasures, reader, find });
      rows += result.rows;
      if (vouched && result.runId !== null && result.runId !== vouched.runId) {
        adopted.push({ ...day, digest: vouched.number });
      }
      done += 1;
      onDay?.(done, days.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: DAYS_AT_ONCE }, work));
  } finally {
    reader.close();
  }
  return { rows, adopted };
}

interface DayTools {
  readonly store: ArchiveStore;
  readonly files: FileCheck;
  readonly erasures: KnownErasures;
  readonly reader: SessionReader;
  readonly find: Find;
}

async function checkDay(
  place: Place,
  vouched: VouchedState | undefined,
  { store, files, erasures, reader, find }: DayTools,
): Promise<{ rows: number; runId: string | null }> {
  const day = await checkLedger(place, vouched, store, find);
  if (day.record !== null) checkErased(day.record, erasures, find);
  const taken: TakenFile[] = [];
  try {
    for (const file of day.files) {
      const copy = await files.take(file);
      if (copy !== null) taken.push({ file, copy });
    }
    const rows = await checkRows(day, taken, reader, find);
    return { rows, runId: day.record?.run_id ?? null };
  } finally {
    for (const { copy } of taken) await files.release(copy);
  }
}

async function* dataKeys(store: ArchiveStore, find: Find): AsyncGenerator<string> {
  for (const prefix of [PREFIXES.sessions, PREFIXES.rejected]) {
    for await (const { key } of listEntries(store, prefix, parseFileKey, addedTo(find))) yield key;
  }
}

async function versionsOf(store: ArchiveStore, chain: CheckedChain, find: Find): Promise<Verification["versions"]> {
  if (store.history === undefined) return "none";
  if (!(await store.history.mayList())) return "denied";
  await checkVersions(store.history, chain, find);
  return "checked";
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
