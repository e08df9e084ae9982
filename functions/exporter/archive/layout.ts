import { PARTITION_TYPES, type PartitionType, PREFIXES } from "../contract.ts";
import { isKey } from "./key.ts";

/** Tables of files that a day of a source has, beside its ledger record. */
export type FileTable = "sessions" | "rejected" | "messages" | "rejected_messages";

/** What the archive holds of a source: each dataset has its own ledger. */
export const DATASETS = ["sessions", "messages"] as const;
export type Dataset = (typeof DATASETS)[number];

/** Key of the part that holds one slice's sessions of one containment type. Parts are numbered from 0 in day order. */
export function sessionKey(day: string, type: PartitionType, source: string, part: number): string {
  return `${PREFIXES.sessions}/dt=${day}/containment_type=${type}/${source}-part-${padded(part, 4)}.parquet`;
}

/** Key of the ledger record of a day and source. */
export function ledgerKey(day: string, source: string, dataset: Dataset = "sessions"): string {
  return `${LEDGERS[dataset]}/dt=${day}/${source}.json`;
}

/** Key of the rows of a day and source that could not be typed. */
export function rejectedKey(day: string, source: string): string {
  return `${PREFIXES.rejected}/dt=${day}/${source}.jsonl`;
}

/** Prefix of all session files of a day. */
export function sessionsOfDay(day: string): string {
  return `${PREFIXES.sessions}/dt=${day}/`;
}

/** Key of the digest with a number; numbers begin at 1. */
export function digestKey(number: number): string {
  return `${PREFIXES.digests}/${padded(number, 8)}.json`;
}

/** Key of the public key, in PEM, with a fingerprint. */
export function publicKeyKey(fingerprint: string): string {
  return `${PREFIXES.digests}/public-key-${fingerprint}.pem`;
}

/** Key of the record that somebody was erased, by the HMAC that names it. */
export function erasureKey(hmac: string): string {
  return `${PREFIXES.erasures}/${hmac}.json`;
}

/** Key of the index of a month (`yyyy-mm`) whose file has this hash. */
export function indexKey(month: string, sha256: string): string {
  return `${PREFIXES.index}/month=${month}/${sha256}.jsonl.gz`;
}

/** Key of the state whose file has this hash. */
export function stateKey(sha256: string): string {
  return `${PREFIXES.index}/state/${sha256}.jsonl.gz`;
}

/** Prefix of a dataset's ledger. */
export const LEDGERS: Readonly<Record<Dataset, string>> = {
  sessions: PREFIXES.exports,
  messages: PREFIXES.messageExports,
};

/** A day of a source, as it stands in a key. */
export interface KeyDay {
  readonly day: string;
  readonly source: string;
}

const DAY = "dt=(?<day>\\d{4}-\\d{2}-\\d{2})";
const HASH = "[0-9a-f]{64}";
const pattern = (text: string) => new RegExp(`^${text}$`, "u");

const SESSION = pattern(
  `${PREFIXES.sessions}/${DAY}/containment_type=(?<type>${PARTITION_TYPES.join("|")})/(?<source>[^/]+)-part-(?<part>\\d{4,})\\.parquet`,
);
const MESSAGE = pattern(`${PREFIXES.messages}/${DAY}/(?<source>[^/]+)-part-(?<part>\\d{4,})\\.parquet`);
const LEDGER = pattern(`${PREFIXES.exports}/${DAY}/(?<source>[^/]+)\\.json`);
const MESSAGE_LEDGER = pattern(`${PREFIXES.messageExports}/${DAY}/(?<source>[^/]+)\\.json`);
const REJECTED = pattern(`${PREFIXES.rejected}/${DAY}/(?<source>[^/]+)\\.jsonl`);
const REJECTED_MESSAGE = pattern(`${PREFIXES.rejectedMessages}/${DAY}/(?<source>[^/]+)\\.jsonl`);
const DIGEST = pattern(`${PREFIXES.digests}/(?<number>\\d{8})\\.json`);
const PUBLIC_KEY = pattern(`${PREFIXES.digests}/public-key-(?<hash>${HASH})\\.pem`);
const ERASURE = pattern(`${PREFIXES.erasures}/(?<hash>${HASH})\\.json`);
const HOLD = pattern(`${PREFIXES.holds}/(?<id>[^/]+)\\.json`);
const INDEX = pattern(`${PREFIXES.index}/month=(?<month>\\d{4}-(?:0[1-9]|1[0-2]))/(?<hash>${HASH})\\.jsonl\\.gz`);
const STATE = pattern(`${PREFIXES.index}/state/(?<hash>${HASH})\\.jsonl\\.gz`);

/** Source and containment type of a session file's key; null for any other key. */
export function parseSessionKey(key: string): (KeyDay & { readonly containmentType: string }) | null {
  const groups = partOf(SESSION, key);
  return groups && { ...groups, containmentType: groups.type ?? "" };
}

/** Day and source of a ledger record's key; null for any other key. */
export function parseLedgerKey(key: string, dataset: Dataset = "sessions"): KeyDay | null {
  return dayOf(dataset === "sessions" ? LEDGER : MESSAGE_LEDGER, key);
}

/** Day and source of the key of rejected rows; null for any other key. */
export function parseRejectedKey(key: string): KeyDay | null {
  return dayOf(REJECTED, key);
}

/** Table, day and source of the key of a day's file; null for any other key. */
export function parseFileKey(key: string): (KeyDay & { readonly table: FileTable }) | null {
  const of = (table: FileTable, place: KeyDay | null) => place && { table, day: place.day, source: place.source };
  return (
    of("sessions", partOf(SESSION, key)) ??
    of("rejected", dayOf(REJECTED, key)) ??
    of("messages", partOf(MESSAGE, key)) ??
    of("rejected_messages", dayOf(REJECTED_MESSAGE, key))
  );
}

/** Number of a digest's key; null for any other key. */
export function parseDigestKey(key: string): number | null {
  return Number(DIGEST.exec(key)?.groups?.number ?? 0) || null;
}

/** Fingerprint in the key of a public key; null for any other key. */
export function parsePublicKeyKey(key: string): string | null {
  return PUBLIC_KEY.exec(key)?.groups?.hash ?? null;
}

/** HMAC in the key of an erasure's record; null for any other key. */
export function parseErasureKey(key: string): string | null {
  return ERASURE.exec(key)?.groups?.hash ?? null;
}

/** Id in the key of a legal hold's record; null for any other key. */
export function parseHoldKey(key: string): string | null {
  return isKey(key) ? (HOLD.exec(key)?.groups?.id ?? null) : null;
}

/** Hash in the key of a file of the index, which is a month's or a state; null for any other key. */
export function parseIndexKey(key: string): string | null {
  return (INDEX.exec(key) ?? STATE.exec(key))?.groups?.hash ?? null;
}

/** A part's number is padded in one way only: two keys of one part would show its rows twice. */
function partOf(key: RegExp, text: string) {
  const groups = daysGroups(key, text);
  if (groups === null) return null;
  const { part = "" } = groups;
  return padded(Number(part), 4) === part ? groups : null;
}

function dayOf(key: RegExp, text: string): KeyDay | null {
  const groups = daysGroups(key, text);
  return groups && { day: groups.day, source: groups.source };
}

function daysGroups(key: RegExp, text: string): (Record<string, string> & KeyDay) | null {
  const groups = key.exec(text)?.groups;
  const { day = "", source = "" } = groups ?? {};
  return isCalendarDay(day) && isKey(text) ? { ...groups, day, source } : null;
}

function isCalendarDay(day: string): boolean {
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, "0");
}
