import { z } from "zod";
import { PREFIXES } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import { inBatches } from "./batches.ts";
import { sha256Of } from "./digest.ts";
import { erasureKey, parseErasureKey } from "./layout.ts";
import { listEntries } from "./listing.ts";
import { type ArchiveStore, readOrTooLarge } from "./store.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const about = { at: z.iso.datetime(), reference: z.string(), key_check: hash };

/** The name of a record of version 1 is the HMAC that stands for the user's id in files, too. */
const recordV1 = z.object({ version: z.literal(1), ...about });
/** That of version 2 is an HMAC of its own, which stands nowhere else: nobody can name a person by what files show. */
const recordV2 = z.object({ version: z.literal(2), ...about, user: hash.nullable(), sessions: z.array(hash) });
const record = z.discriminatedUnion("version", [recordV1, recordV2]);

/** That somebody was erased. Whoever has the key of hashes can tell from it who that is, and nobody else can. */
export interface ErasureRecord {
  /** The name of the record: an HMAC with the key of hashes. */
  readonly hmac: string;
  /** By version, what the HMAC was made of. */
  readonly version: 1 | 2;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** By whose request: a ticket's number, never personal data. */
  readonly reference: string;
  /** Tells whether a key is the one that `hmac` was made with. */
  readonly keyCheck: string;
}

/** A record as it lies in the archive. */
export interface StoredErasure extends ErasureRecord {
  readonly key: string;
  /** Of its bytes. */
  readonly sha256: string;
}

/**
 * Reads who was erased; usually nobody, at the cost of one listing. Throws `ERR_ERASURE_UNREADABLE`: an export that went on
 * would bring somebody back.
 */
export async function readErasures(store: ArchiveStore): Promise<StoredErasure[]> {
  const entries = await Array.fromAsync(listEntries(store, PREFIXES.erasures, parseErasureKey));
  const records = await inBatches(entries, ({ parsed: hmac }) => readErasure(store, hmac));
  return records.filter((erasure) => erasure !== null);
}

/** Reads the record with a name; null if there is none. Throws `ERR_ERASURE_UNREADABLE`. */
export async function readErasure(store: ArchiveStore, hmac: string): Promise<StoredErasure | null> {
  const key = erasureKey(hmac);
  const object = await readOrTooLarge(store, key);
  if (object === null) return null;
  const parsed = object === "too large" ? null : record.safeParse(jsonIn(object.body)).data;
  if (object === "too large" || !parsed || (parsed.version === 2 && parsed.user !== hmac)) throw unreadable(store, key);
  const { version, at, reference, key_check: keyCheck } = parsed;
  return { hmac, version, at, reference, keyCheck, key, sha256: sha256Of(object.body) };
}

function unreadable({ location }: ArchiveStore, key: string): ExporterError {
  const message =
    `The record of an erasure, ${location}/${key}, is damaged, has another's name, or is from a newer version of this ` +
    "program. Nothing is exported without it, since that could bring the person back. Restore its first version, or " +
    "update the program.";
  return new ExporterError("ERR_ERASURE_UNREADABLE", message);
}

/** Records that a user was erased, unless that was done before; returns what stands then. */
export async function writeErasure(
  store: ArchiveStore,
  { hmac, at, reference, keyCheck }: Omit<ErasureRecord, "version">,
): Promise<StoredErasure> {
  const known = await readErasure(store, hmac);
  if (known !== null) return known;
  const content = { version: 2, at, reference, key_check: keyCheck, user: hmac, sessions: [] };
  const body = Buffer.from(`${JSON.stringify(content)}\n`);
  const key = erasureKey(hmac);
  try {
    await store.writeIf(key, body, null);
    return { hmac, version: 2, at, reference, keyCheck, key, sha256: sha256Of(body) };
  } catch (error) {
    const written = await readErasure(store, hmac);
    if (written === null) throw error;
    return written;
  }
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}
