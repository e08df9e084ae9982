import { type PartitionType, PREFIXES } from "../contract.ts";

/** Key of the part that holds one slice's sessions of one containment type. Parts are numbered from 0 in day order. */
export function sessionKey(day: string, type: PartitionType, source: string, part: number): string {
  return `${PREFIXES.sessions}/dt=${day}/containment_type=${type}/${source}-part-${String(part).padStart(4, "0")}.parquet`;
}

/** Key of the ledger record of a day and source. */
export function ledgerKey(day: string, source: string): string {
  return `${PREFIXES.exports}/dt=${day}/${source}.json`;
}

/** Key of the rows of a day and source that could not be typed. */
export function rejectedKey(day: string, source: string): string {
  return `${PREFIXES.rejected}/dt=${day}/${source}.jsonl`;
}

/** Prefix of all session files of a day. */
export function sessionsOfDay(day: string): string {
  return `${PREFIXES.sessions}/dt=${day}/`;
}

const SESSION_KEY = new RegExp(
  `^${PREFIXES.sessions}/dt=(\\d{4}-\\d{2}-\\d{2})/containment_type=([A-Za-z]+)/(.+)-part-(\\d{4,})\\.parquet$`,
);
const LEDGER_KEY = new RegExp(`^${PREFIXES.exports}/dt=(\\d{4}-\\d{2}-\\d{2})/(.+)\\.json$`);

/** Source and containment type of a session file's key; null for any other key. */
export function parseSessionKey(key: string): { day: string; containmentType: string; source: string } | null {
  const [, day, containmentType, source] = SESSION_KEY.exec(key) ?? [];
  return day && containmentType && source ? { day, containmentType, source } : null;
}

/** Day and source of a ledger record's key; null for any other key. */
export function parseLedgerKey(key: string): { day: string; source: string } | null {
  const [, day, source] = LEDGER_KEY.exec(key) ?? [];
  return day && source ? { day, source } : null;
}

const REJECTED_KEY = new RegExp(`^${PREFIXES.rejected}/dt=(\\d{4}-\\d{2}-\\d{2})/(.+)\\.jsonl$`);
const DIGEST_KEY = new RegExp(`^${PREFIXES.digests}/(\\d{8})\\.json$`);
const PUBLIC_KEY_KEY = new RegExp(`^${PREFIXES.digests}/public-key-([0-9a-f]{64})\\.pem$`);

/** Day and source of the key of rejected rows; null for any other key. */
export function parseRejectedKey(key: string): { day: string; source: string } | null {
  const [, day, source] = REJECTED_KEY.exec(key) ?? [];
  return day && source ? { day, source } : null;
}

/** Key of the digest with a number; numbers begin at 1. */
export function digestKey(number: number): string {
  return `${PREFIXES.digests}/${String(number).padStart(8, "0")}.json`;
}

/** Number of a digest's key; null for any other key. */
export function parseDigestKey(key: string): number | null {
  const [, digits] = DIGEST_KEY.exec(key) ?? [];
  return digits === undefined || Number(digits) === 0 ? null : Number(digits);
}

/** Key of the public key, in PEM, with a fingerprint. */
export function publicKeyKey(fingerprint: string): string {
  return `${PREFIXES.digests}/public-key-${fingerprint}.pem`;
}

const ERASURE_KEY = new RegExp(`^${PREFIXES.erasures}/([0-9a-f]{64})\\.json$`);

/** Key of the record that a user was erased; `hmac` is that of the user's id. */
export function erasureKey(hmac: string): string {
  return `${PREFIXES.erasures}/${hmac}.json`;
}

/** HMAC in the key of an erasure's record; null for any other key. */
export function parseErasureKey(key: string): string | null {
  return ERASURE_KEY.exec(key)?.[1] ?? null;
}

/** Fingerprint in the key of a public key; null for any other key. */
export function parsePublicKeyKey(key: string): string | null {
  return PUBLIC_KEY_KEY.exec(key)?.[1] ?? null;
}
