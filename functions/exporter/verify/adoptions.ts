import { type Acceptance, type Adoption, type Digest, dayName, type VouchedDay } from "../archive/digest.ts";

/** A day whose content a run took over without knowing where it came from. */
export interface AdoptedDay {
  readonly dataset: VouchedDay["dataset"];
  readonly dt: string;
  readonly source: string;
  /** Number of the digest that adopted it. */
  readonly digest: number;
  readonly adopted: Adoption;
  /** SHA-256 of the ledger record that the newest digest to name the day vouches for. */
  readonly ledgerSha256: string;
  /** Fingerprint of the key that signed that digest; null if it is not signed. */
  readonly signedBy: string | null;
  /** The acceptance that counts; null: nobody has looked at the day. */
  readonly accepted: Acceptance | null;
}

interface Open extends AdoptedDay {
  /** Hashes of the records that carried this adoption on. */
  readonly records: ReadonlySet<string>;
}

/** Follows adoptions and their acceptances through the chain. */
export class AdoptionBook {
  readonly #open = new Map<string, Open>();
  #isSigned = false;

  /** Takes the next digest in, with the fingerprint of the key that signed it. */
  add(digest: Digest, signedBy: string | null): void {
    this.#isSigned ||= signedBy !== null;
    for (const day of digest.days) this.#addDay(day, digest.number, signedBy);
    for (const acceptance of digest.accepted) this.#accept(acceptance, signedBy);
  }

  /** Returns the days that are adopted now. */
  get days(): AdoptedDay[] {
    return [...this.#open.values()].map(({ records: _, ...day }) => day);
  }

  /** Returns true if an acceptance with this key counts for the day. */
  counts(day: Pick<AdoptedDay, "signedBy">, signedBy: string | null): boolean {
    if (signedBy === null) return !this.#isSigned;
    return signedBy !== day.signedBy;
  }

  #addDay({ dataset, dt, source, adopted, ledger }: VouchedDay, digest: number, signedBy: string | null): void {
    const name = dayName(dt, source, dataset);
    const before = this.#open.get(name);
    if (adopted === null) {
      this.#open.delete(name);
    } else if (
      before?.adopted.previous_sha256 === adopted.previous_sha256 &&
      before.adopted.reason === adopted.reason
    ) {
      this.#open.set(name, {
        ...before,
        ledgerSha256: ledger.sha256,
        records: before.records.union(new Set([ledger.sha256])),
      });
    } else {
      const day = { dataset, dt, source, digest, adopted, ledgerSha256: ledger.sha256, signedBy, accepted: null };
      this.#open.set(name, { ...day, records: new Set([ledger.sha256]) });
    }
  }

  #accept(acceptance: Acceptance, signedBy: string | null): void {
    const name = dayName(acceptance.dt, acceptance.source, acceptance.dataset);
    const day = this.#open.get(name);
    if (day === undefined || !day.records.has(acceptance.ledger_sha256) || !this.counts(day, signedBy)) return;
    this.#open.set(name, { ...day, accepted: acceptance });
  }
}
