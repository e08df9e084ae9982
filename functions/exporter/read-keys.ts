/** What digests are signed with: an Ed25519 key in a PEM file, or a key of AWS KMS. */
export type SigningKeySetting =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "kms"; readonly keyArn: string };

/** ARN of a key or alias (https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html, "Key identifiers"). */
const KMS_KEY = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[A-Za-z0-9/_-]+$/;

/** Reads what `KORE_SIGNING_KEY` names; null if nothing is set. Throws an `Error` with the sentence to tell, without the value. */
export function readSigningKey(text: string | undefined): SigningKeySetting | null {
  if (text === undefined) return null;
  if (KMS_KEY.test(text)) return { kind: "kms", keyArn: text };
  if (!/^arn:|-----BEGIN/.test(text)) return { kind: "file", path: text };
  throw new Error("KORE_SIGNING_KEY is neither a file's path nor the ARN of a KMS key or alias; give one of these.");
}

/**
 * Reads the fingerprints that `KORE_TRUSTED_KEYS` lists, in lower case, each once. Throws an `Error` with the sentence to
 * tell if an entry is none; of that it shows the beginning only, since it could be a key.
 */
export function readTrustedKeys(text = ""): string[] {
  const entries = text.split(",").map((entry) => entry.trim().toLowerCase());
  const named = entries.filter((entry) => entry !== "");
  const wrong = named.find((entry) => !/^[0-9a-f]{64}$/.test(entry));
  if (wrong === undefined) return [...new Set(named)];
  const help = "give fingerprints of public keys, 64 hexadecimal digits each, with commas in between.";
  throw new Error(`KORE_TRUSTED_KEYS has "${wrong.slice(0, 16)}…", ${wrong.length} characters; ${help}`);
}
