import {
  type _Object,
  type DeleteMarkerEntry,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
  type S3Client,
} from "@aws-sdk/client-s3";

/** What is listed: everything below a plain string prefix, in pages of at most `MaxKeys` entries (S3's 1,000). */
export interface Below {
  readonly Bucket: string;
  readonly Prefix: string;
  readonly MaxKeys?: number;
  /** Names that go on behind this are listed once, up to it. */
  readonly Delimiter?: "/";
}

/** An entry of a listing, with its key as it was put: decoded, and below the prefix that was asked for. */
export type Listed<Entry> = Entry & { readonly Key: string };

/** A page of the versions in a bucket. */
export interface VersionPage {
  readonly versions: readonly Listed<ObjectVersion>[];
  readonly deleteMarkers: readonly Listed<DeleteMarkerEntry>[];
}

type MetadataBearer = Pick<ListObjectsV2CommandOutput, "$metadata">;

/**
 * Says that a listing was answered with success, and with something that is no listing: an empty body, a proxy's page,
 * half a listing. Nothing follows from it, least of all that nothing is there.
 */
export class NoListing extends Error {
  /** Has the SDK ask again, as after a 503. */
  readonly $retryable = {};
  readonly $metadata: MetadataBearer["$metadata"];

  constructor(why: string, $metadata: MetadataBearer["$metadata"], options?: ErrorOptions) {
    super(`it was answered with status ${$metadata.httpStatusCode} and something that is no listing: ${why}`, options);
    this.name = "NoListing";
    this.$metadata = $metadata;
  }
}

/**
 * Lists objects, a page each time one is taken. Throws `NoListing` once the SDK has given up asking for a page again, and
 * whatever else the SDK throws.
 */
export async function* objectPages(client: S3Client, below: Below): AsyncGenerator<readonly Listed<_Object>[]> {
  for await (const { Contents } of pagesOf(client, below)) yield Contents as Listed<_Object>[];
}

/** Lists the names directly below a prefix, whole, those of folders with a slash at their end. Throws as `objectPages`. */
export async function namesBelow(client: S3Client, below: Below): Promise<string[]> {
  const names: string[] = [];
  for await (const { Contents = [], CommonPrefixes = [] } of pagesOf(client, { ...below, Delimiter: "/" })) {
    names.push(...Contents.flatMap(({ Key }) => Key ?? []), ...CommonPrefixes.flatMap(({ Prefix }) => Prefix ?? []));
  }
  return names;
}

async function* pagesOf(client: S3Client, below: Below): AsyncGenerator<ListObjectsV2CommandOutput> {
  const earlier = new Set<string>();
  for (let from = {}; ; ) {
    const command = new ListObjectsV2Command({ ...below, ...from, EncodingType: "url" });
    const read = (page: ListObjectsV2CommandOutput) => readObjects(page, below, earlier);
    command.middlewareStack.add((next) => (args) => answered(next(args), read), WITHIN_RETRIES);
    const page = await client.send(command);
    yield page;
    const { IsTruncated, NextContinuationToken = "" } = page;
    if (!IsTruncated) return;
    earlier.add(NextContinuationToken);
    from = { ContinuationToken: NextContinuationToken };
  }
}

/** Lists versions and delete markers, as `objectPages` lists objects. */
export async function* versionPages(client: S3Client, below: Below): AsyncGenerator<VersionPage> {
  const earlier = new Set<string>();
  for (let from = {}; ; ) {
    const command = new ListObjectVersionsCommand({ ...below, ...from, EncodingType: "url" });
    const read = (page: ListObjectVersionsCommandOutput) => readVersions(page, below, earlier);
    command.middlewareStack.add((next) => (args) => answered(next(args), read), WITHIN_RETRIES);
    const page = await client.send(command);
    yield {
      versions: page.Versions as Listed<ObjectVersion>[],
      deleteMarkers: page.DeleteMarkers as Listed<DeleteMarkerEntry>[],
    };
    if (!page.IsTruncated) return;
    earlier.add(placeAfter(page));
    from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}

/** Outside of the SDK's parser, inside of its retries. */
const WITHIN_RETRIES = { step: "deserialize", priority: "high", name: "readListing" } as const;

/** An answer whose output is what `read` makes of it. Success that the SDK's parser cannot read is no listing either. */
async function answered<Output extends MetadataBearer, Answer extends { output?: Output }>(
  asked: Promise<Answer>,
  read: (output: Output) => Output,
): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await asked;
  } catch (error) {
    const { $metadata = {} } = error as Partial<MetadataBearer>;
    const { httpStatusCode: status = 0 } = $metadata;
    if (status < 200 || status >= 300) throw error;
    throw new NoListing("it cannot be read as XML of S3", $metadata, { cause: error });
  }
  return answer.output === undefined ? answer : { ...answer, output: read(answer.output) };
}

/** The page with its keys decoded. Throws `NoListing`. */
function readObjects(
  page: ListObjectsV2CommandOutput,
  { Prefix }: Below,
  earlier: ReadonlySet<string>,
): ListObjectsV2CommandOutput {
  const { Name, KeyCount, IsTruncated, NextContinuationToken: next } = page;
  demandMembers(page, { Name, KeyCount, IsTruncated });
  const Contents = entriesBelow(Prefix, page.Contents, page);
  const folders = (page.CommonPrefixes ?? []).map((one) => ({ Key: one.Prefix }));
  const CommonPrefixes = entriesBelow(Prefix, folders, page).map(({ Key }) => ({ Prefix: Key }));
  const named = Contents.length + CommonPrefixes.length;
  if (named < Number(KeyCount)) {
    throw new NoListing(`it counts ${KeyCount} keys and names ${named}`, page.$metadata);
  }
  if (IsTruncated) demandProgress(page, next, earlier);
  return { ...page, Contents, CommonPrefixes };
}

/** The page with its keys and the marker of the next page decoded. Throws `NoListing`. */
function readVersions(
  page: ListObjectVersionsCommandOutput,
  { Prefix }: Below,
  earlier: ReadonlySet<string>,
): ListObjectVersionsCommandOutput {
  const { Name, MaxKeys, IsTruncated, NextKeyMarker } = page;
  demandMembers(page, { Name, MaxKeys, IsTruncated });
  const Versions = entriesBelow(Prefix, page.Versions, page);
  const DeleteMarkers = entriesBelow(Prefix, page.DeleteMarkers, page);
  const read = { ...page, Versions, DeleteMarkers, NextKeyMarker: NextKeyMarker && decoded(NextKeyMarker, page) };
  if (IsTruncated) demandProgress(page, NextKeyMarker && placeAfter(read), earlier);
  return read;
}

/** What every listing has, an empty one too; the SDK makes NaN of a number that is none. */
function demandMembers({ $metadata }: MetadataBearer, members: Readonly<Record<string, unknown>>): void {
  const isThere = (value: unknown) => value !== undefined && value !== "" && !Number.isNaN(value);
  const lacking = Object.keys(members).filter((name) => !isThere(members[name]));
  if (lacking.length > 0) throw new NoListing(`it lacks ${lacking.join(", ")}`, $metadata);
}

/** Without this, a listing could end before its end, or never. */
function demandProgress({ $metadata }: MetadataBearer, next: string | undefined, earlier: ReadonlySet<string>): void {
  if (!next) throw new NoListing("it is truncated, and does not say how to go on", $metadata);
  if (earlier.has(next)) throw new NoListing("it is truncated, and goes on where it has been before", $metadata);
}

/** Where the page after this one begins: the versions of a key can fill several pages. */
function placeAfter({ NextKeyMarker, NextVersionIdMarker }: ListObjectVersionsCommandOutput): string {
  return JSON.stringify([NextKeyMarker, NextVersionIdMarker]);
}

type Encoding = Pick<ListObjectsV2CommandOutput, "EncodingType">;

function entriesBelow<Entry extends { readonly Key?: string | undefined }>(
  prefix: string,
  entries: readonly Entry[] = [],
  page: MetadataBearer & Encoding,
): Listed<Entry>[] {
  return entries.map((entry) => {
    const Key = decoded(entry.Key ?? "", page);
    if (entry.Key !== undefined && Key.startsWith(prefix)) return { ...entry, Key };
    throw new NoListing("it has an entry without a key, or with one that was not asked for", page.$metadata);
  });
}

/**
 * The key in the listing's text. XML 1.0 has no way to write most control characters, so keys are asked for in
 * URL-encoding, with a plus for a space (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html,
 * encoding-type); not every service that speaks S3 does so. Bytes that are no UTF-8 become `\xFF`, which no key of ours has.
 */
function decoded(text: string, { EncodingType }: Encoding): string {
  if (EncodingType !== "url") return text;
  return text.replaceAll("+", " ").replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes.replaceAll("%", "\\x");
    }
  });
}
