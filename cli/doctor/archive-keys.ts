import { readErasures } from "../../functions/exporter/archive/erasures.ts";
import { isSignedBy } from "../../functions/exporter/archive/signing.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { hashKeyOf, openPersonalData } from "../../functions/exporter/connect.ts";
import { hashesPersonalData } from "../../functions/exporter/contract.ts";
import { refuseUnusableKey } from "../../functions/exporter/export/erased-users.ts";
import { refuseOtherZone } from "../../functions/exporter/export/export-day.ts";
import { openSigner } from "../../functions/exporter/open-signer.ts";
import type { Settings } from "../../functions/exporter/settings.ts";
import type { CheckIo } from "./ask-source.ts";
import { type Check, ok, problem, skipped } from "./checks.ts";
import { AWS_DEADLINE_MS, inTime } from "./deadline.ts";
import { failed } from "./failure-text.ts";
import type { LedgerView } from "./ledger-view.ts";

/** Whether the archive's days are those of the setting. One record that can be read speaks for all. */
export function checkTimeZone(timeZone: string | undefined, { anyRecord }: LedgerView, store: ArchiveStore): Check {
  if (timeZone === undefined) return skipped("time-zone", "KORE_TIME_ZONE cannot be used.");
  if (anyRecord === null) return skipped("time-zone", `Nothing is archived yet; days will be those of ${timeZone}.`);
  try {
    refuseOtherZone(anyRecord, timeZone, store);
    return ok("time-zone", `${anyRecord.time_zone}, as KORE_TIME_ZONE says`);
  } catch (error) {
    return failed("time-zone", error);
  }
}

/** Whether the key is there that hashing and earlier erasures need, before an export finds out. */
export async function checkPersonalData(
  { personalData, credentials }: Partial<Settings>,
  store: ArchiveStore,
  { signal }: CheckIo,
): Promise<Check> {
  if (personalData === undefined) return skipped("personal-data", "KORE_PII or KORE_HASH_KEY cannot be used.");
  if (credentials === undefined) return skipped("personal-data", "The settings of the credentials cannot be used.");
  try {
    const settings = { personalData, credentials };
    await inTime(openPersonalData(settings), AWS_DEADLINE_MS, signal);
    const erasures = await inTime(readErasures(store), AWS_DEADLINE_MS, signal);
    const hashKey = erasures.length === 0 ? null : await inTime(hashKeyOf(settings), AWS_DEADLINE_MS, signal);
    refuseUnusableKey(erasures, hashKey, personalData.rules.userId, store);
    const { spelling } = personalData.rules;
    const how = spelling === "keep" ? "archived as Kore sends it" : `archived by the rules ${spelling}`;
    const key = hashesPersonalData(personalData.rules) ? ", with a key" : "";
    return ok("personal-data", `${how}${key}${erasures.length === 0 ? "" : "; the key is that of the erasures"}`);
  } catch (error) {
    signal.throwIfAborted();
    return failed("personal-data", error);
  }
}

/** Signs something that nobody keeps, and checks the signature. */
export async function checkSigningKey(
  { signingKey }: Partial<Settings>,
  archive: string,
  { signal }: CheckIo,
): Promise<Check> {
  if (signingKey === undefined) return skipped("signing-key", "KORE_SIGNING_KEY cannot be used.");
  if (signingKey === null)
    return skipped("signing-key", "KORE_SIGNING_KEY is not set: what runs did is chained, not signed.");
  try {
    const message = Buffer.from("kore-sessions doctor: this signature is thrown away");
    const signer = await inTime(openSigner(signingKey, archive), AWS_DEADLINE_MS, signal);
    if (signer === null) return skipped("signing-key", "KORE_SIGNING_KEY is not set.");
    const signature = await inTime(signer.sign(message), AWS_DEADLINE_MS, signal);
    if (!isSignedBy(signer.publicKey, message, signature))
      return problem("signing-key", "The key's signature is wrong.");
    return ok("signing-key", `signs (${signer.algorithm}, fingerprint ${signer.fingerprint.slice(0, 16)}…)`);
  } catch (error) {
    signal.throwIfAborted();
    return failed("signing-key", error);
  }
}
