/*
 * A second verifier of the digest chain, written from docs/digests.md alone: it imports nothing of the exporter.
 *
 *   node test/independent/verify-digests.ts ARCHIVE_FOLDER PUBLIC_KEY.pem[,OTHER.pem…] [HEAD [ARCHIVE_ID]]
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

interface Ref {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly version_id: string | null;
}

interface File extends Ref {
  readonly table: string;
  readonly containment_type: string | null;
  readonly row_count: number;
}

interface Adoption {
  readonly previous_sha256: string | null;
  readonly reason: string;
}

interface Day {
  readonly dataset: string;
  readonly dt: string;
  readonly source: string;
  readonly ledger: Ref;
  readonly files: readonly File[];
  readonly adopted: Adoption | null;
}

interface Acceptance extends Pick<Day, "dataset" | "dt" | "source"> {
  readonly ledger_sha256: string;
  readonly reference: string;
  readonly actor: string;
}

interface Digest {
  readonly version: number;
  readonly number: number;
  readonly previous_sha256: string | null;
  readonly run_id: string;
  readonly exporter_version: string;
  readonly created_at: string;
  readonly archive_id: string | null;
  readonly days: readonly Day[];
  readonly accepted: readonly Acceptance[];
  readonly erasures: readonly Ref[];
  readonly holds: readonly Ref[];
  readonly retires: readonly string[];
  readonly state: Ref | null;
  readonly index: readonly (Ref & { readonly month: string; readonly records: number })[];
}

interface Signature {
  readonly algorithm: string;
  readonly key_fingerprint: string;
  readonly signature: string;
}

/** A digest's file; without a digest it is none that can be read. */
interface Link {
  readonly name: string;
  readonly hash: string;
  readonly digest: Digest | null;
  readonly signature: Signature | null;
  /** What is signed. */
  readonly bytes: Buffer;
}

const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");
const fingerprint = (key: KeyObject) => sha256(key.export({ type: "spki", format: "der" }));
const nameOf = ({ dataset, dt, source }: Pick<Day, "dataset" | "dt" | "source">) => `${dataset} ${dt} ${source}`;

/**
 * Returns sentences about what does not hold for a sound archive; none if all of it does. Null stands for what the person
 * who asks does not know: keys, a digest's hash, the archive's id.
 */
export function problemsOf(
  archive: string,
  publicKeyPems: readonly string[] | null,
  head: string | null,
  archiveId: string | null = null,
): string[] {
  try {
    return found(archive, publicKeyPems, head, archiveId);
  } catch (error) {
    return [`not to be read: ${error}`];
  }
}

function found(...[archive, publicKeyPems, head, archiveId]: Required<Parameters<typeof problemsOf>>): string[] {
  const { files, others } = namesBelow(archive);
  const read = (name: string, most: number) => (files.has(name) ? contentOf(join(archive, name), most) : null);
  const links = [...files]
    .filter((name) => /^digests\/\d{8}\.json$/.test(name))
    .sort()
    .map((name) => linkOf(name, read(name, LARGEST)));
  const digests = links.flatMap(({ digest }) => digest ?? []);
  const ids = [...new Set(digests.flatMap(({ archive_id }) => archive_id ?? []))];
  return [
    ...others,
    ...links.flatMap((link, index) => wrongLink(link, index, links[index - 1] ?? null)),
    ...(links.length === 0 ? ["there is no digest"] : []),
    ...(ids.length > 1 ? [`digests are of ${ids.length} archives`] : []),
    ...(archiveId !== null && ids[0] !== archiveId ? ["this is another archive"] : []),
    ...wrongSignatures(links, publicKeyPems?.map((pem) => createPublicKey(pem)) ?? null),
    ...wrongKeys(links, files, read),
    ...wrongFiles(digests, files, read),
    ...wrongIndex(links, read),
    ...unaccepted(links),
    ...(head !== null && !links.some(({ hash }) => hash === head) ? ["the head is missing"] : []),
  ];
}

const LARGEST = 2 ** 28;

/** Rules 1 and 2. */
function wrongLink({ name, digest }: Link, index: number, before: Link | null): string[] {
  const number = Number(name.slice(8, 16));
  if (number !== index + 1) return [`${name}: the one before is missing`];
  if (digest === null) return [`${name}: not two lines of a digest`];
  if (digest.number !== number) return [`${name}: says number ${digest.number}`];
  if ((before?.digest?.version ?? 1) > digest.version) return [`${name}: of an older version than the one before`];
  return digest.previous_sha256 === (before?.hash ?? null) ? [] : [`${name}: names another predecessor`];
}

/** Rule 3. */
function wrongSignatures(links: readonly Link[], keys: readonly KeyObject[] | null): string[] {
  const retired = signedAfterRetirement(links).map(({ name }) => `${name}: its key was retired before`);
  if (keys === null) return retired;
  const trusted = new Map(keys.map((key) => [fingerprint(key), key]));
  const isGood = ({ signature, bytes }: Link) =>
    signature !== null && isSignedBy(trusted.get(signature.key_fingerprint), bytes, signature);
  const first = links.findIndex(({ signature }) => signature !== null);
  const unproven = first < 0 ? [] : links.slice(first).filter((link) => !isGood(link));
  const nothing = links.some(isGood) ? [] : ["nothing is signed"];
  return [...retired, ...unproven.map(({ name }) => `${name}: no good signature`), ...nothing];
}

function signedAfterRetirement(links: readonly Link[]): Link[] {
  const retired = new Set<string>();
  return links.filter(({ digest, signature }) => {
    if (signature === null) return false;
    const isRetired = retired.has(signature.key_fingerprint);
    for (const key of digest?.retires ?? []) if (key !== signature.key_fingerprint) retired.add(key);
    return isRetired;
  });
}

function isSignedBy(key: KeyObject | undefined, bytes: Buffer, { algorithm, signature }: Signature): boolean {
  const proof = Buffer.from(signature, "base64");
  if (key?.asymmetricKeyType === "ed25519") return algorithm === "ed25519" && verify(null, bytes, key, proof);
  const isP256 = key?.asymmetricKeyDetails?.namedCurve === "prime256v1";
  return isP256 && algorithm === "ecdsa-p256-sha256" && verify("sha256", bytes, key, proof);
}

type Read = (name: string, most: number) => Buffer | null;

/** Rule 6, of `digests/`. */
function wrongKeys(links: readonly Link[], files: ReadonlySet<string>, read: Read): string[] {
  const signers = new Set(links.flatMap(({ signature }) => signature?.key_fingerprint ?? []));
  const present = [...files].flatMap((name) => /^digests\/public-key-([0-9a-f]{64})\.pem$/.exec(name)?.[1] ?? []);
  const isRight = (one: string) => {
    try {
      const pem = String(read(`digests/public-key-${one}.pem`, 10_000));
      const key = createPublicKey(pem);
      return fingerprint(key) === one && key.export({ type: "spki", format: "pem" }) === pem;
    } catch {
      return false;
    }
  };
  return [
    ...present
      .filter((one) => !signers.has(one) || !isRight(one))
      .map((one) => `public key ${one}: not expected, or another`),
    ...[...signers].filter((one) => !present.includes(one)).map((one) => `public key ${one}: missing`),
  ];
}

/** Rules 4, 5 and 6. */
function wrongFiles(digests: readonly Digest[], files: ReadonlySet<string>, read: Read): string[] {
  const days = new Map(digests.flatMap(({ days }) => days.map((day) => [nameOf(day), day] as const)));
  const kept = digests.flatMap(({ erasures, holds }) => [...erasures, ...holds]);
  const refs = [...days.values()].flatMap(({ ledger, files: data }) => [ledger, ...data]).concat(kept as File[]);
  const expected = new Map(refs.map((ref) => [ref.key, ref]));
  const isVersion2 = digests.some(({ version }) => version > 1);
  const isExpected = (name: string) =>
    expected.has(name) || /^(?:digests|index)\//.test(name) || (!isVersion2 && ERASURE.test(name));
  return [
    ...[...expected.values()].flatMap((ref) => wrongFile(ref, read)),
    ...[...files].filter((name) => !isExpected(name)).map((name) => `${name}: in no digest`),
  ];
}

function wrongFile({ key, sha256: hash, bytes }: Ref, read: Read): string[] {
  const content = read(key, bytes);
  if (content === null) return [`${key}: missing, or larger than it was`];
  return content.length === bytes && sha256(content) === hash ? [] : [`${key}: changed`];
}

/** Rule 7. */
function wrongIndex(links: readonly Link[], read: Read): string[] {
  const newest = links.at(-1);
  if (!newest?.digest?.state) return [];
  const { state, index } = newest.digest;
  const own = links.filter(({ signature }) => signature?.key_fingerprint === newest.signature?.key_fingerprint);
  const stateLines = linesOf(state, read);
  const isState = stateLines !== null && state.key === `index/state/${state.sha256}.jsonl.gz`;
  const months = index.map((ref) => ({ ...ref, lines: linesOf(ref, read) }));
  const lines = months.flatMap((month) => month.lines ?? []);
  const ordered = months.every(({ month }, at) => at === 0 || month > (months[at - 1]?.month ?? ""));
  return [
    ...(isState && isStateSaid(stateLines, links, own) ? [] : [`${state.key}: missing, or not what the digests say`]),
    ...(ordered ? [] : ["months are out of order"]),
    ...months.flatMap((month) => wrongMonth(month, links, own)),
    ...missingDays(own, lines, read),
  ];
}

function linesOf({ key, sha256: hash, bytes }: Ref, read: Read): string[] | null {
  const packed = read(key, bytes);
  if (packed === null || packed.length !== bytes || sha256(packed) !== hash) return null;
  try {
    const text = gunzipSync(packed, { maxOutputLength: LARGEST }).toString("utf8");
    return /^$|\n$/.test(text) ? text.split("\n").slice(0, -1) : null;
  } catch {
    return null;
  }
}

/** Whatever own digests say is there once, as they say it together or as one of the others does. */
function isStateSaid(lines: readonly string[], links: readonly Link[], own: readonly Link[]): boolean {
  const others = links.filter((link) => !own.includes(link));
  const said = new Set([...saidIn(own), ...others.flatMap((link) => saidIn([link]))]);
  if (!lines.every((line) => said.has(line))) return false;
  const subjects = new Set(lines.map(subjectOf));
  return subjects.size === lines.length && saidIn(own).every((line) => subjects.has(subjectOf(line)));
}

function subjectOf(line: string): string {
  const { kind, key, key_fingerprint } = JSON.parse(line);
  return kind === "acceptance" ? line : `${kind} ${key ?? key_fingerprint}`;
}

/** The lines of a state that follow from digests. */
function saidIn(links: readonly Link[]): string[] {
  const digests = links.flatMap(({ digest }) => digest ?? []);
  const refs = (kind: string, of: (digest: Digest) => readonly Ref[]) =>
    [...new Map(digests.flatMap(of).map((ref) => [ref.key, ref])).values()].map(
      ({ key, sha256: hash, bytes, version_id }) => JSON.stringify({ kind, key, sha256: hash, bytes, version_id }),
    );
  const accepted = digests.flatMap(({ number: digest, accepted }) =>
    accepted.map(({ dataset, dt, source, ledger_sha256, reference, actor }) =>
      JSON.stringify({ kind: "acceptance", digest, dataset, dt, source, ledger_sha256, reference, actor }),
    ),
  );
  const retired = new Map<string, string>();
  for (const { number: digest, retires } of digests) {
    for (const key_fingerprint of retires) {
      const line = JSON.stringify({ kind: "retired_key", key_fingerprint, digest });
      retired.set(key_fingerprint, retired.get(key_fingerprint) ?? line);
    }
  }
  return [
    ...refs("erasure", ({ erasures }) => erasures),
    ...refs("hold", ({ holds }) => holds),
    ...accepted,
    ...retired.values(),
  ];
}

interface Month extends Ref {
  readonly month: string;
  readonly records: number;
  readonly lines: readonly string[] | null;
}

function wrongMonth(
  { key, sha256: hash, month, records, lines }: Month,
  links: readonly Link[],
  own: readonly Link[],
): string[] {
  if (key !== `index/month=${month}/${hash}.jsonl.gz` || lines === null) return [`${key}: missing, or not the one`];
  const names = lines.map((line) => lineOf(line)).map((line) => (line === null ? "" : nameOf(line)));
  const isOrdered = names.every(
    (name, at) => at === 0 || Buffer.compare(Buffer.from(name), Buffer.from(names[at - 1] ?? "")) > 0,
  );
  if (lines.length !== records || !isOrdered) return [`${key}: has other lines, or in another order`];
  return lines.flatMap((text) => {
    const line = lineOf(text);
    return line?.dt.startsWith(`${month}-`) && isSaid(line, links, own)
      ? []
      : [`${key}: a line is not what digests say`];
  });
}

interface Line extends Omit<Day, "adopted"> {
  readonly digest: number | null;
  /** The exact text. */
  readonly record: string;
}

function lineOf(text: string): Line | null {
  try {
    const { dataset, dt, source, digest, ledger, files } = JSON.parse(text) as Line;
    const about = JSON.stringify({ dataset, dt, source, digest, ledger, files }).slice(0, -1);
    const start = `${about},"record":`;
    if (!text.startsWith(start) || !text.endsWith("}")) return null;
    return { dataset, dt, source, digest, ledger, files, record: text.slice(start.length, -1) };
  } catch {
    return null;
  }
}

function isSaid(line: Line, links: readonly Link[], own: readonly Link[]): boolean {
  if (sha256(`${line.record}\n`) !== line.ledger.sha256) return false;
  const naming = (of: readonly Link[]) =>
    of.filter(({ digest }) => digest?.days.some((day) => nameOf(day) === nameOf(line)));
  const lastOwn = naming(own).at(-1)?.digest?.number ?? 0;
  if (line.digest === null) return lastOwn === 0;
  const digest = links.find((link) => link.digest?.number === line.digest)?.digest;
  const day = digest?.days.findLast((one) => nameOf(one) === nameOf(line));
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  return line.digest >= lastOwn && same(day?.ledger, line.ledger) && same(day?.files, line.files);
}

function missingDays(own: readonly Link[], lines: readonly string[], read: Read): string[] {
  const indexed = new Set(lines.flatMap((text) => lineOf(text) ?? []).map(nameOf));
  const days = new Map(own.flatMap(({ digest }) => digest?.days ?? []).map((day) => [nameOf(day), day]));
  return [...days].flatMap(([name, { ledger }]) =>
    indexed.has(name) || wrongFile(ledger, read).length > 0 ? [] : [`${name}: not in the index`],
  );
}

/** Rule 8. */
function unaccepted(links: readonly Link[]): string[] {
  const open = new Map<string, Adopted>();
  let isSigned = false;
  for (const { digest, signature } of links) {
    const by = signature?.key_fingerprint ?? null;
    isSigned ||= by !== null;
    for (const day of digest?.days ?? []) adopt(open, day, by);
    for (const acceptance of digest?.accepted ?? []) {
      const day = open.get(nameOf(acceptance));
      const counts = by === null ? !isSigned : by !== day?.by;
      if (counts && day?.records.includes(acceptance.ledger_sha256)) day.accepted = true;
    }
  }
  return [...open].filter(([, { accepted }]) => !accepted).map(([name]) => `${name}: adopted, and accepted by nobody`);
}

interface Adopted {
  readonly adopted: Adoption;
  /** Who signed the digest that adopted it. */
  readonly by: string | null;
  readonly records: string[];
  accepted: boolean;
}

function adopt(open: Map<string, Adopted>, day: Day, by: string | null): void {
  const before = open.get(nameOf(day));
  const goesOn = before !== undefined && JSON.stringify(before.adopted) === JSON.stringify(day.adopted);
  if (day.adopted === null) open.delete(nameOf(day));
  else if (goesOn) before.records.push(day.ledger.sha256);
  else open.set(nameOf(day), { adopted: day.adopted, by, records: [day.ledger.sha256], accepted: false });
}

const HEX = "[0-9a-f]{64}";
const DAY = "dt=\\d{4}-\\d{2}-\\d{2}";
const ERASURE = new RegExp(`^erasures/${HEX}\\.json$`);
/** Names that files of an archive have. */
const NAMES = [
  `digests/(?:\\d{8}\\.json|public-key-${HEX}\\.pem)`,
  `index/(?:state|month=\\d{4}-(?:0[1-9]|1[0-2]))/${HEX}\\.jsonl\\.gz`,
  `erasures/${HEX}\\.json`,
  "holds/[^/]+\\.json",
  `sessions/${DAY}/containment_type=(?:dropOff|selfService|agent|unclassified)/[^/]+-part-\\d{4,}\\.parquet`,
  `messages/${DAY}/[^/]+-part-\\d{4,}\\.parquet`,
  `(?:exports|message_exports)/${DAY}/[^/]+\\.json`,
  `(?:rejected|rejected_messages)/${DAY}/[^/]+\\.jsonl`,
].map((pattern) => new RegExp(`^${pattern}$`));
const FOLDER =
  /^(?:sessions|exports|rejected|digests|index|erasures|holds|messages|message_exports|rejected_messages)$/;

/** The archive's files, and a sentence for whatever else lies there. */
function namesBelow(archive: string): { readonly files: Set<string>; readonly others: string[] } {
  const files = new Set<string>();
  const others: string[] = [];
  const visit = (folder: string) => {
    const entries = readdirSync(join(archive, folder), { withFileTypes: true });
    const isPlace = FOLDER.test(folder) || /(?:^|\/)[a-z_]+=[^/]*$/.test(folder);
    if (entries.length === 0 && !isPlace) others.push(`${folder}/: an empty folder`);
    for (const entry of entries) {
      const name = `${folder}/${entry.name}`;
      if (entry.isFile() && isName(name)) files.add(name);
      else if (entry.isDirectory() && isPlain(name)) visit(name);
      else others.push(`${name}: not expected`);
    }
  };
  for (const entry of readdirSync(archive, { withFileTypes: true })) {
    if ([".lock", ".kore-tmp"].includes(entry.name)) continue;
    const isFolder = statSync(join(archive, entry.name), { throwIfNoEntry: false })?.isDirectory() === true;
    if (FOLDER.test(entry.name) && isFolder) visit(entry.name);
    else others.push(`${entry.name}: not expected`);
  }
  return { files, others };
}

function isName(name: string): boolean {
  const [, part] = /-part-(\d+)\.parquet$/.exec(name) ?? [];
  const [, dt] = /\/dt=([^/]*)\//.exec(name) ?? [];
  const isDay = dt === undefined || new Date(`${dt}T00:00:00Z`).toJSON()?.startsWith(dt) === true;
  const isPart = part === undefined || part === String(Number(part)).padStart(4, "0");
  return isPlain(name) && isDay && isPart && NAMES.some((pattern) => pattern.test(name));
}

/** Without control characters, backslashes, bytes that are no UTF-8, and hidden parts. */
function isPlain(name: string): boolean {
  const isOdd = [...name].some((character) => character < " " || "\\\u007f\ufffd".includes(character));
  return !isOdd && !name.split("/").some((part) => part.startsWith("."));
}

/** A file's bytes; null if it is larger than it may be, or none that can be read. */
function contentOf(path: string, most: number): Buffer | null {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status?.isFile() && status.size <= most ? readFileSync(path) : null;
}

function linkOf(name: string, file: Buffer | null): Link {
  const content = file ?? Buffer.alloc(0);
  const [line = "", signature = "", ...rest] = content.toString("latin1").split("\n");
  const bytes = Buffer.from(line, "latin1");
  const none = { name, hash: sha256(content), digest: null, signature: null, bytes };
  if (rest.length !== 1 || rest[0] !== "") return none;
  try {
    return {
      ...none,
      digest: digestOf(JSON.parse(bytes.toString("utf8"))),
      signature: signatureOf(JSON.parse(signature)),
    };
  } catch {
    return none;
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Throws if it is neither null nor a signature. */
function signatureOf(value: Signature | null): Signature | null {
  if (value === null) return null;
  const { algorithm, key_fingerprint, signature } = value;
  const isAlgorithm = ["ed25519", "ecdsa-p256-sha256"].includes(algorithm);
  const isSpelt = BASE64.test(signature) && /^[0-9a-f]{64}$/.test(key_fingerprint);
  if (!isAlgorithm || !isSpelt) throw new Error("not a signature");
  return value;
}

/** A digest in the form of version 2; null if it is of another version, or lacks what each has. */
function digestOf(value: Digest): Digest | null {
  const { run_id, exporter_version, created_at } = value;
  if (![run_id, exporter_version, created_at].every((text) => typeof text === "string")) return null;
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(created_at)) return null;
  if (value.version === 2) return hasMembers(value) ? value : null;
  if (value.version !== 1) return null;
  const days = value.days.map((day): Day => {
    const files = day.files.map(({ table: _, ...file }) => {
      return { table: file.containment_type === null ? "rejected" : "sessions", ...file };
    });
    return { ...day, dataset: "sessions", files, adopted: null };
  });
  const nothing = { accepted: [], erasures: [], holds: [], retires: [], index: [] };
  return { ...value, days, archive_id: null, state: null, ...nothing };
}

function hasMembers({ days, accepted, erasures, holds, retires, index, state, archive_id }: Digest): boolean {
  const lists = [days, accepted, erasures, holds, retires, index];
  return lists.every(Array.isArray) && typeof state?.key === "string" && typeof archive_id === "string";
}

if (import.meta.main) {
  const [, , archive = "", keyPaths = "", head = null, archiveId = null] = process.argv;
  const problems = problemsOf(
    archive,
    keyPaths.split(",").map((path) => readFileSync(path, "utf8")),
    head,
    archiveId,
  );
  console.log(problems.length === 0 ? "sound" : problems.join("\n"));
  process.exitCode = problems.length === 0 ? 0 : 3;
}
