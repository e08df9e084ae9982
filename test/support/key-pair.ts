import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fingerprintOf } from "../../functions/exporter/archive/signing.ts";

/** A key that signs digests, in two files. */
export interface KeyPair {
  readonly privatePath: string;
  readonly publicPath: string;
  readonly fingerprint: string;
}

/** Makes an Ed25519 key, and writes both halves below a folder. */
export async function keyPair(folder: string, name: string): Promise<KeyPair> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const [privatePath, publicPath] = [join(folder, `${name}.pem`), join(folder, `${name}-public.pem`)];
  await writeFile(privatePath, privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(publicPath, publicKey.export({ type: "spki", format: "pem" }));
  return { privatePath, publicPath, fingerprint: fingerprintOf(publicKey) };
}
