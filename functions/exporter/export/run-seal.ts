import type { Trust } from "../archive/believed-digest.ts";
import { type ArchivePast, PastReader } from "../archive/past.ts";
import { ExporterError } from "../errors.ts";
import type { DayResult } from "./export-day.ts";
import { type SealPorts, sealRun, type WrittenDay } from "./seal.ts";

/** A run that dies leaves at most so much that no digest vouches for. */
const SEAL_EVERY_MS = 10 * 60_000;

/** A day that a run is done with; its record could not be written where there is no hash. */
type DoneDay = Pick<DayResult, "source" | "dt" | "ledgerSha256">;

/** Returns the days whose ledger record a run wrote. */
export function writtenDays(results: readonly DoneDay[]): WrittenDay[] {
  return results.flatMap(({ source, dt, ledgerSha256 }) =>
    ledgerSha256 === null ? [] : [{ source, dt, ledgerSha256 }],
  );
}

/** Seals a run while it works, every ten minutes. */
export class PeriodicSeal {
  readonly #ports: Omit<SealPorts, keyof Trust>;
  readonly #trust: () => Promise<Trust>;
  #sealedAt: number;

  /** `beganAt`: when the run began, which may have been in another process. */
  constructor(ports: Omit<SealPorts, keyof Trust>, trust: () => Promise<Trust>, beganAt: number) {
    this.#ports = ports;
    this.#trust = trust;
    this.#sealedAt = beganAt;
  }

  /** Seals the days that are done, if it is time. What fails here is tried again, and told, at the run's end. */
  async after(results: readonly DoneDay[]): Promise<void> {
    const { clock, store, runId } = this.#ports;
    if (clock.now() - this.#sealedAt < SEAL_EVERY_MS) return;
    try {
      this.#sealedAt = (await ownSealTime(new PastReader(store, this.#trust), runId)) ?? this.#sealedAt;
      if (clock.now() - this.#sealedAt < SEAL_EVERY_MS) return;
      this.#sealedAt = clock.now();
      await sealRun(writtenDays(results), { ...this.#ports, ...(await this.#trust()) });
    } catch (error) {
      if (!(error instanceof ExporterError)) throw error;
    }
  }
}

/** When this run wrote the newest digest; null if another did. */
async function ownSealTime(past: PastReader, runId: string): Promise<number | null> {
  const { digest }: ArchivePast = await past.current();
  return digest?.run_id === runId ? Date.parse(digest.created_at) : null;
}

/** Returns the past. Throws `ERR_SIGNING_KEY` if the run's own key was retired: nobody would believe its digests. */
export async function refuseRetiredKey(past: ArchivePast, { signer }: Pick<SealPorts, "signer">): Promise<ArchivePast> {
  const retired = signer && (await past.state()).retired.get(signer.fingerprint);
  if (!retired) return past;
  const message =
    `The signing key ${retired.key_fingerprint} was retired by digest ${retired.digest}. Set KORE_SIGNING_KEY to the key ` +
    "that has taken its place.";
  throw new ExporterError("ERR_SIGNING_KEY", message);
}

/** Returns what a run has to tell besides its days: each failure once. */
export function runFailures(...found: readonly (ExporterError | null | undefined)[]): ExporterError[] {
  const byCode = new Map(found.flatMap((error) => (error ? [[error.code, error] as const] : [])));
  return [...byCode.values()];
}
