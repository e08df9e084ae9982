import type { Acceptance } from "../archive/digest.ts";
import { dayName } from "../archive/digest.ts";
import { ArchivePast } from "../archive/past.ts";
import { ExporterError } from "../errors.ts";
import { type Seal, type SealPorts, sealRun } from "../export/seal.ts";
import { checkChain } from "./chain.ts";

/** What a person says of an archive, by a digest of its own. */
export interface Statement {
  /** Adopted days that are right as they are. */
  readonly days: readonly { readonly dt: string; readonly source: string }[];
  /** Fingerprints of keys that sign nothing any more. */
  readonly retires: readonly string[];
  /** Why, such as a ticket's number. */
  readonly reference: string;
  /** Who says so. */
  readonly actor: string;
}

const NOBODY = { publicKeys: [], head: null, archiveId: null };

/**
 * Writes a digest that accepts adopted days or retires keys. Throws `ERR_DIGEST_NOT_TRUSTED` if the newest digest is not
 * believed, and `ERR_STATEMENT_REFUSED` if it would not count: the day
 * is not adopted, the key is the one that adopted it, or that retires itself.
 */
export async function writeStatement(statement: Statement, ports: SealPorts): Promise<Seal> {
  const { days, retires, reference, actor } = statement;
  const { problem } = await ArchivePast.open(ports.store, ports);
  if (problem !== null) throw problem;
  const { adoptions } = await checkChain(ports.store, NOBODY, () => undefined);
  const signedBy = ports.signer?.fingerprint ?? null;
  const open = new Map(adoptions.days.map((day) => [dayName(day.dt, day.source, day.dataset), day]));
  const accepted = days.map(({ dt, source }): Acceptance => {
    const day = open.get(dayName(dt, source)) ?? open.get(dayName(dt, source, "messages"));
    if (day === undefined) throw refused(`${dt}/${source} is not adopted; verify lists the days that are.`);
    if (!adoptions.counts(day, signedBy)) {
      throw refused(
        `${dt}/${source} was adopted by a run with the same key, or this one has none: set KORE_SIGNING_KEY to another ` +
          "key that the people who verify trust, such as your own.",
      );
    }
    const { dataset, ledgerSha256: ledger_sha256 } = day;
    return { dataset, dt, source, ledger_sha256, reference, actor };
  });
  if (retires.length > 0 && (signedBy === null || retires.includes(signedBy))) {
    throw refused("A key is retired by another one: set KORE_SIGNING_KEY to one that is to be trusted from here on.");
  }
  return sealRun([], ports, { accepted, retires });
}

function refused(message: string): ExporterError {
  return new ExporterError("ERR_STATEMENT_REFUSED", message);
}
