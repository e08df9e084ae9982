import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { ExporterError } from "../errors.ts";

/**
 * How digests are signed: `ed25519` (RFC 8032, over the bytes themselves; 64 bytes) with a key file,
 * `ecdsa-p256-sha256` (over their SHA-256; DER) with a key of AWS KMS.
 */
export const SIGNATURE_ALGORITHMS = ["ed25519", "ecdsa-p256-sha256"] as const;
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

/** Signs digests. */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: KeyObject;
  /** Of the public key, as `fingerprintOf` says. */
  readonly fingerprint: string;
  /** The signature over a message, in the form of the algorithm. Throws `ERR_SIGNING_KEY`. */
  sign(message: Buffer): Promise<Buffer>;
}

/** SHA-256, in lower-case hexadecimal, of a public key's DER (SubjectPublicKeyInfo, RFC 5280). */
export function fingerprintOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** A signer with an Ed25519 private key in PEM. `place` names the key in messages. Throws `ERR_SIGNING_KEY`. */
export function pemSigner(pem: Buffer, place: string): Signer {
  const key = privateKey(pem, place);
  const publicKey = createPublicKey(key);
  return {
    algorithm: "ed25519",
    publicKey,
    fingerprint: fingerprintOf(publicKey),
    sign: async (message) => sign(null, message, key),
  };
}

function privateKey(pem: Buffer, place: string): KeyObject {
  const help = "Make one with: openssl genpkey -algorithm ed25519 -out FILE";
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The cause is left out: it could quote the key.
    throw new ExporterError("ERR_SIGNING_KEY", `${place} holds no private key in PEM without a password. ${help}`);
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw new ExporterError("ERR_SIGNING_KEY", `${place} is a key of type ${key.asymmetricKeyType}. ${help}`);
}

/** The algorithm that goes with a public key; null if digests are never signed with such a key. */
export function algorithmOf(publicKey: KeyObject): SignatureAlgorithm | null {
  if (publicKey.asymmetricKeyType === "ed25519") return "ed25519";
  const curve = publicKey.asymmetricKeyDetails?.namedCurve;
  return publicKey.asymmetricKeyType === "ec" && curve === "prime256v1" ? "ecdsa-p256-sha256" : null;
}

/** True if the signature over the message is that of the key. */
export function isSignedBy(publicKey: KeyObject, message: Buffer, signature: Buffer): boolean {
  const algorithm = algorithmOf(publicKey);
  if (algorithm === null) return false;
  return verify(algorithm === "ed25519" ? null : "sha256", message, publicKey, signature);
}
