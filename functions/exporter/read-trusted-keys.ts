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
