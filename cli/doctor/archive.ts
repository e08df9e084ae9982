import { openStore, parseLocation } from "../../functions/exporter/archive/open-store.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import type { Settings } from "../../functions/exporter/settings.ts";
import { checkPersonalData, checkSigningKey, checkTimeZone } from "./archive-keys.ts";
import type { CheckIo } from "./ask-source.ts";
import { type Check, type CheckName, ok, problem, skipped } from "./checks.ts";
import { QUICK_CLIENT } from "./deadline.ts";
import { checkDigests } from "./digest-version.ts";
import { failed } from "./failure-text.ts";
import { checkFolder } from "./folder.ts";
import { type LedgerView, readLedgerView } from "./ledger-view.ts";

/** What was found of the archive. */
export interface FoundArchive {
  readonly checks: readonly Check[];
  /** Null if it could not be read. */
  readonly ledger: LedgerView | null;
}

const NEED_READING: readonly CheckName[] = ["archive-write", "time-zone", "personal-data"];

/** Everything that can be seen of the archive without changing anything in it. */
export async function checkArchive(known: Partial<Settings>, io: CheckIo): Promise<FoundArchive> {
  const { archive } = known;
  if (archive === undefined) {
    const because = "KORE_ARCHIVE cannot be used.";
    const all: CheckName[] = ["archive-read", ...NEED_READING, "signing-key"];
    return { checks: all.map((name) => skipped(name, because)), ledger: null };
  }
  const { store, close } = await openQuickly(archive, io);
  try {
    const { checks, ledger } = await checkStore(store, archive, known, io);
    return { checks: [...checks, await checkSigningKey(known, archive, io)], ledger };
  } finally {
    close();
  }
}

async function checkStore(
  store: ArchiveStore,
  archive: string,
  known: Partial<Settings>,
  io: CheckIo,
): Promise<FoundArchive> {
  let ledger: LedgerView;
  try {
    ledger = await readLedgerView(store);
  } catch (error) {
    io.signal.throwIfAborted();
    const rest = NEED_READING.map((name) => skipped(name, "The archive cannot be read."));
    return { checks: [failed("archive-read", error), ...rest], ledger: null };
  }
  const checks = [
    ok("archive-read", `${store.location}: ${ledger.summary}`),
    await checkWritable(store, archive, ledger),
    checkTimeZone(known.timeZone, ledger, store),
    await checkPersonalData(known, store, io),
    ...checkDigests(ledger.newestDigest),
  ];
  return { checks, ledger };
}

async function checkWritable(store: ArchiveStore, archive: string, ledger: LedgerView): Promise<Check> {
  const location = parseLocation(archive);
  if (location.kind === "folder") return checkFolder(store.location);
  const proof = ledger.lastRunAt === null ? "" : ` A run last wrote on ${minute(ledger.lastRunAt)}.`;
  return skipped("archive-write", `Only a write would tell whether s3:PutObject is allowed; none was made.${proof}`);
}

/** A bucket is asked with little patience; what is opened here is closed by `close`. */
async function openQuickly(archive: string, { clock }: CheckIo): Promise<{ store: ArchiveStore; close: () => void }> {
  if (parseLocation(archive).kind === "folder") {
    const store = await openStore(archive, { clock });
    return { store, close: () => store.close() };
  }
  const { S3Client } = await import("@aws-sdk/client-s3");
  const s3Client = new S3Client(QUICK_CLIENT);
  return { store: await openStore(archive, { clock, s3Client }), close: () => s3Client.destroy() };
}

/** Whether the last run left its days as they should be; `isScheduled`: a schedule starts runs into this archive. */
export function checkLastRun(ledger: LedgerView | null, isScheduled: boolean, nowMs: number): Check {
  if (ledger === null) return skipped("last-run", "The archive cannot be read.");
  if (ledger.newest.length === 0 && !isScheduled) return skipped("last-run", "Nothing is archived yet.");
  const { bad, lastRunAt } = ledger;
  const when = lastRunAt === null ? "No run has left a digest" : `The last run ended on ${minute(lastRunAt)}`;
  if (bad.length > 0) return problem("last-run", `${when}. ${bad.slice(0, 3).join("; ")}${more(bad.length - 3)}.`);
  const age = nowMs - Date.parse(lastRunAt ?? "1970-01-01");
  if (isScheduled && age > LONGEST_PAUSE_MS) {
    const help = 'The schedule is on: see "RunMissing" in docs/runbook.md.';
    return problem("last-run", `${when}, more than 26 hours ago.`, help);
  }
  return ok("last-run", `${when}; newest: ${ledger.newest.slice(0, 3).join(", ")}${more(ledger.newest.length - 3)}`);
}

/** An instant in ISO 8601, to the minute, as people read it. */
function minute(instant: string): string {
  return `${instant.slice(0, 16).replace("T", " ")} UTC`;
}

/** A night, and the time that a late start and a long run take. */
const LONGEST_PAUSE_MS = 26 * 3_600_000;

function more(count: number): string {
  return count > 0 ? ` and ${count} more` : "";
}
