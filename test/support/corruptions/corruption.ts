import { ledgerKey, rejectedKey, sessionKey } from "../../../functions/exporter/archive/layout.ts";
import type { FindingCode } from "../../../functions/exporter/verify/finding.ts";
import type { Forger } from "../forge.ts";
import { BOT, DAYS, type SignedArchive } from "../signed-archive.ts";

/** Something that somebody does to an archive, and what a verification has to say of it. */
export interface Corruption {
  readonly what: string;
  readonly how: (forger: Forger, made: SignedArchive) => Promise<unknown>;
  readonly code: FindingCode;
  /** The object that the finding names; not given: any. */
  readonly key?: string;
  /** What the person who verifies brings along. Without a key only what files say of each other can be checked. */
  readonly trust?: "key" | "head" | "nothing";
}

export const [FIRST, SECOND, THIRD] = DAYS;
export const part = (day: string, type: "agent" | "dropOff" | "selfService", source = BOT, number = 0) =>
  sessionKey(day, type, source, number);
export const AGENT = part(FIRST, "agent");
export const DROP_OFF = part(FIRST, "dropOff");
export const REJECTED = rejectedKey(SECOND, BOT);
export const LEDGER = ledgerKey(FIRST, BOT);
