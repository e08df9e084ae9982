import { z } from "zod";
import { PREFIXES } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import { inBatches } from "./batches.ts";
import { erasureKey, parseErasureKey } from "./layout.ts";
import { listEntries } from "./listing.ts";
import { type ArchiveStore, readOrTooLarge } from "./store.ts";

/** Layout of an erasure's record. A reader refuses a newer one rather than misread it. */
const ERASURE_VERSION = 1;

const record = z.object({
  version: z.literal(ERASURE_VERSION),
  at: z.iso.datetime(),
  reference: z.string(),
  key_check: z.string().regex(/^[0-9a-f]{64}$/),
});

/** That a user was erased. Whoever has the key of hashes can tell from it who that is, and nobody else can. */
export interface ErasureRecord {
  /** Of the user's id with the key of hashes: the name of the record. */
  readonly hmac: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** By whose request: a ticket's number, never personal data. */
  readonly reference: string;
  /** Tells whether a key is the one that `hmac` was made with. */
  readonly keyCheck: string;
}

/**
 * Every user who was erased; usually none, at the cost of one listing. Throws `ERR_ERASURE_UNREADABLE`: an export that
 * went on would bring somebody back.
 */
export async function readErasures(store: ArchiveStore): Promise<ErasureRecord[]> {
  const entries = await Array.fromAsync(listEntries(store, PREFIXES.erasures, parseErasureKey));
  const records = await inBatches(entries, ({ parsed: hmac }) => readErasure(store, hmac));
  return records.filter((erasure) => erasure !== null);
}

/** The record that a user was erased; null if there is none. Throws `ERR_ERASURE_UNREADABLE`. */
export async function readErasure(store: ArchiveStore, hmac: string): Promise<ErasureRecord | null> {
  const key = erasureKey(hmac);
  const object = await readOrTooLarge(store, key);
  if (object === null) return null;
  const parsed = record.safeParse(object === "too large" ? null : jsonIn(object.body));
  if (parsed.success) return { hmac, ...parsed.data, keyCheck: parsed.data.key_check };
  const message =
    `The record of an erasure, ${store.location}/${key}, is damaged, or from a newer version of this program. Nothing ` +
    "is exported without it, since that could bring the person back. Restore its first version, or update the program.";
  throw new ExporterError("ERR_ERASURE_UNREADABLE", message);
}

/** Records that a user was erased, unless that was done before; returns what stands then. */
export async function writeErasure(store: ArchiveStore, erasure: ErasureRecord): Promise<ErasureRecord> {
  const known = await readErasure(store, erasure.hmac);
  if (known !== null) return known;
  const { hmac, at, reference, keyCheck } = erasure;
  const body = `${JSON.stringify({ version: ERASURE_VERSION, at, reference, key_check: keyCheck })}\n`;
  try {
    await store.writeIf(erasureKey(hmac), Buffer.from(body), null);
    return erasure;
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
