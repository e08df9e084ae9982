/*
 * A second verifier of the digest chain, written from docs/digests.md alone: it imports nothing of the exporter.
 *
 *   node test/independent/verify-digests.ts ARCHIVE_FOLDER PUBLIC_KEY.pem [HEAD]
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Ref {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
}

interface DigestLine {
  readonly number: number;
  readonly previous_sha256: string | null;
  readonly days: readonly {
    readonly dt: string;
    readonly source: string;
    readonly ledger: Ref;
    readonly files: readonly Ref[];
  }[];
}

interface SignatureLine {
  readonly algorithm: string;
  readonly key_fingerprint: string;
  readonly signature: string;
}

interface Lines {
  readonly digest: DigestLine;
  readonly signature: SignatureLine | null;
  /** What is signed. */
  readonly bytes: Buffer;
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const fingerprint = (key: KeyObject) => sha256(key.export({ type: "spki", format: "der" }));

/** Sentences about what does not hold for a sound archive; none if all of it does. Without a key, rule 3 is left out. */
export function problemsOf(archive: string, publicKeyPem: string | null, head: string | null): string[] {
  const names = keysBelow(archive, "digests");
  const links = names.filter((name) => /^digests\/\d{8}\.json$/.test(name)).sort();
  const files = links.map((name) => readFileSync(join(archive, name)));
  const hashes = files.map(sha256);
  const lines = files.map(linesOf);
  const days = new Map<string, readonly Ref[]>();
  for (const { dt, source, ledger, files: data } of lines.flatMap((line) => line?.digest.days ?? [])) {
    days.set(`${dt} ${source}`, [ledger, ...data]);
  }
  const expected = new Map([...days.values()].flat().map((ref) => [ref.key, ref]));
  const present = ["exports", "sessions", "rejected"].flatMap((folder) => keysBelow(archive, folder));
  return [
    ...links.flatMap((name, index) => wrongLink(name, index, lines[index] ?? null, hashes[index - 1] ?? null)),
    ...(publicKeyPem === null ? [] : wrongSignatures(lines, createPublicKey(publicKeyPem))),
    ...[...expected.values()].flatMap((ref) => wrongFile(archive, ref)),
    ...present.filter((name) => !expected.has(name)).map((name) => `${name}: in no digest`),
    ...names.filter((name) => !links.includes(name)).flatMap((name) => otherFile(archive, name)),
    ...(links.length === 0 ? ["there is no digest"] : []),
    ...(head !== null && !hashes.includes(head) ? ["the head is missing"] : []),
  ];
}

/** Rules 1 and 2. */
function wrongLink(name: string, index: number, lines: Lines | null, previous: string | null): string[] {
  const number = Number(name.slice(8, 16));
  if (number !== index + 1) return [`${name}: the one before is missing`];
  if (lines === null) return [`${name}: not two lines of JSON`];
  if (lines.digest.number !== number) return [`${name}: says number ${lines.digest.number}`];
  return lines.digest.previous_sha256 === previous ? [] : [`${name}: names another predecessor`];
}

/** Rule 3. */
function wrongSignatures(lines: readonly (Lines | null)[], key: KeyObject): string[] {
  const first = lines.findIndex((line) => line !== null && line.signature !== null);
  if (first < 0) return ["nothing is signed"];
  return lines.slice(first).flatMap((line) => {
    const good = line !== null && line.signature !== null && isGood(key, line.bytes, line.signature);
    return good ? [] : [`digest ${line?.digest.number}: no good signature`];
  });
}

function linesOf(file: Buffer): Lines | null {
  const [line = "", signature = "", ...rest] = file.toString("latin1").split("\n");
  if (rest.length !== 1 || rest[0] !== "") return null;
  try {
    const bytes = Buffer.from(line, "latin1");
    const digest = JSON.parse(bytes.toString("utf8"));
    return digest.version === 1 ? { digest, signature: JSON.parse(signature), bytes } : null;
  } catch {
    return null;
  }
}

function isGood(key: KeyObject, bytes: Buffer, { algorithm, key_fingerprint, signature }: SignatureLine): boolean {
  if (key_fingerprint !== fingerprint(key)) return false;
  const proof = Buffer.from(signature, "base64");
  if (algorithm === "ed25519" && key.asymmetricKeyType === "ed25519") return verify(null, bytes, key, proof);
  return algorithm === "ecdsa-p256-sha256" && key.asymmetricKeyType === "ec" && verify("sha256", bytes, key, proof);
}

function otherFile(archive: string, name: string): string[] {
  const [, said] = /^digests\/public-key-([0-9a-f]{64})\.pem$/.exec(name) ?? [];
  if (said === undefined) return [`${name}: not expected`];
  return fingerprint(createPublicKey(readFileSync(join(archive, name)))) === said ? [] : [`${name}: another key`];
}

function wrongFile(archive: string, { key, sha256: hash, bytes }: Ref): string[] {
  const path = join(archive, key);
  if (!existsSync(path)) return [`${key}: missing`];
  const content = readFileSync(path);
  return content.length === bytes && sha256(content) === hash ? [] : [`${key}: changed`];
}

function keysBelow(archive: string, folder: string): string[] {
  const path = join(archive, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(archive.length + 1));
}

if (import.meta.main) {
  const [, , archive = "", keyPath = "", head = null] = process.argv;
  const problems = problemsOf(archive, readFileSync(keyPath, "utf8"), head);
  console.log(problems.length === 0 ? "sound" : problems.join("\n"));
  process.exitCode = problems.length === 0 ? 0 : 3;
}
