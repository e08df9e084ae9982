import { createPublicKey, type KeyObject } from "node:crypto";
import { algorithmOf } from "../../functions/exporter/archive/signing.ts";
import { ExporterError, SettingsError } from "../../functions/exporter/errors.ts";
import { readKeyFile } from "../../functions/exporter/open-signer.ts";

/** Reads public keys, in PEM or DER. Throws `ERR_SIGNING_KEY` for a file that holds none that digests are signed with. */
export async function readPublicKeys(paths: readonly string[]): Promise<KeyObject[]> {
  return Promise.all(
    paths.map(async (path) => {
      const key = publicKeyIn(await readKeyFile(path));
      if (key !== null && algorithmOf(key) !== null) return key;
      const message = `${path} holds no public key of a kind that signs digests (Ed25519, or ECDSA on P-256), in PEM or DER.`;
      throw new ExporterError("ERR_SIGNING_KEY", message);
    }),
  );
}

/** A private key is refused, although its public half could be used: it should not lie about. */
function publicKeyIn(bytes: Buffer): KeyObject | null {
  try {
    if (bytes.includes("PRIVATE KEY-----")) return null;
    const isPem = bytes.includes("-----BEGIN");
    return createPublicKey(isPem ? bytes : { key: bytes, format: "der", type: "spki" });
  } catch {
    return null;
  }
}

/** The hash of a digest, as a run told it. Throws `SettingsError`. */
export function readHead(text: string | undefined): string | null {
  const hash = text?.trim().toLowerCase() ?? null;
  if (hash === null || /^[0-9a-f]{64}$/.test(hash)) return hash;
  throw new SettingsError([`--head is "${text}"; give the 64 hexadecimal digits that a run printed after its digest.`]);
}

/** The archive's id, as runs print it. Throws `SettingsError`. */
export function readArchiveId(text: string | undefined): string | null {
  const id = text?.trim().toLowerCase() ?? null;
  if (id === null || /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id;
  throw new SettingsError([`--archive-id is "${text}"; give the id that runs and status print after "archive".`]);
}
