import { z } from "zod";
import { SECRET_MEMBERS } from "./contract.ts";
import { ExporterError } from "./errors.ts";
import type { CredentialsSource } from "./kore/client.ts";
import type { Credentials } from "./kore/token.ts";

const credentials = z.object({ clientId: z.string().min(1), clientSecret: z.string().min(1) });

/** Credentials that were given once and stay as they are. */
export function fixedCredentials(given: Credentials): CredentialsSource {
  return { current: async () => given, renew: async () => false };
}

/**
 * Credentials of one source out of a secret, read when first needed and again when Kore refuses them. `readSecret`
 * gives the secret's current text.
 */
export function secretCredentials(readSecret: () => Promise<string>, source: string): CredentialsSource {
  let known: Credentials | null = null;
  const read = async () => parseSecret(await readSecret(), source);
  return {
    current: async () => {
      known ??= await read();
      return known;
    },
    renew: async () => {
      const before = known;
      known = await read();
      return known.clientId !== before?.clientId || known.clientSecret !== before.clientSecret;
    },
  };
}

/**
 * The credentials of a source in a secret's text: `{"clientId","clientSecret"}` for every source, or one such object
 * for each source's id, with `default` for the rest. Throws `ERR_SECRET_UNREADABLE`, which never shows the text.
 */
export function parseSecret(text: string, source: string): Credentials {
  const members = membersOf(text);
  const own = Object.hasOwn(members, source) ? members[source] : (members.default ?? members);
  const parsed = credentials.safeParse(own);
  if (!parsed.success) throw unreadable(`holds no clientId and clientSecret for ${source}`);
  return parsed.data;
}

/** Fewer could be found by trying. */
const SHORTEST_HASH_KEY = 32;

/** True for a text that is long enough to be the key of hashes. */
export function isHashKey(key: string): boolean {
  return key.length >= SHORTEST_HASH_KEY;
}

/**
 * The key of hashed personal data in a secret's text, without blanks around it; null if there is none. Throws
 * `ERR_SECRET_UNREADABLE`, which never shows the text.
 */
export function parseHashKey(text: string): string | null {
  const { [SECRET_MEMBERS.hashKey]: key } = membersOf(text);
  if (key === undefined) return null;
  if (typeof key === "string" && isHashKey(key.trim())) return key.trim();
  const message =
    `The secret's hashKey is not a text of at least ${SHORTEST_HASH_KEY} characters. ` +
    "Make one with `openssl rand -hex 32`, once: with another key, the same value has another hash.";
  throw new ExporterError("ERR_SECRET_UNREADABLE", message);
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  let secret: unknown;
  try {
    secret = JSON.parse(text);
  } catch {
    throw unreadable("is not JSON");
  }
  if (secret === null || typeof secret !== "object") throw unreadable("is not a JSON object");
  return secret as Readonly<Record<string, unknown>>;
}

function unreadable(what: string): ExporterError {
  const message =
    `The secret ${what}. Store {"clientId": "…", "clientSecret": "…"}, ` +
    'or one such object for each bot id, with "default" for the rest.';
  return new ExporterError("ERR_SECRET_UNREADABLE", message);
}
