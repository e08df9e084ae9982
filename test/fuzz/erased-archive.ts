import { createPublicKey } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandLine, newSigningKey, startRuns } from "../support/signed-archive.ts";
import { readTree, type Tree } from "./tree.ts";

/** A signed archive of three days, from which somebody was erased. */
export interface ErasedArchive {
  /** What it holds, and what it held after its first run and before the erasure. */
  readonly tree: Tree;
  readonly earlier: readonly Tree[];
  readonly publicKey: string;
  readonly publicKeyPath: string;
  /** SHA-256 of the newest digest, as the run told it. */
  readonly head: string;
  /** A folder for copies. */
  readonly scratch: string;
  remove(): Promise<void>;
}

const HASH_KEY = "the key of hashes, of 32 characters or more";
/** The user who was there on most days. */
const MOST_SEEN = `SELECT user_id FROM sessions WHERE user_id IS NOT NULL
  GROUP BY user_id ORDER BY count(DISTINCT dt) DESC, user_id LIMIT 1`;

/** Makes the archive by the runs of `startRuns`, and an erasure. Keys, ids and thus hashes are other ones each time. */
export async function makeErasedArchive(): Promise<ErasedArchive> {
  const scratch = await mkdtemp(join(tmpdir(), "kore-fuzz-"));
  const [archive, publicKeyPath] = [join(scratch, "archive"), join(scratch, "public.pem")];
  const signingKey = newSigningKey();
  const publicKey = String(createPublicKey(signingKey).export({ type: "spki", format: "pem" }));
  await writeFile(join(scratch, "key.pem"), signingKey);
  await writeFile(publicKeyPath, publicKey);
  const env = { KORE_ARCHIVE: archive, KORE_SIGNING_KEY: join(scratch, "key.pem"), KORE_HASH_KEY: HASH_KEY };
  const earlier: Tree[] = [];
  const run = await startRuns(env);
  await run(async () => void earlier.push(await contentOf(archive)));
  earlier.push(await contentOf(archive));
  const [{ user_id }] = await told(["sql", "--json", MOST_SEEN], env);
  const erased = await told(["erase", "--apply", "--json", "--reference", "T-1", "--user-id", user_id], env);
  const remove = () => rm(scratch, { recursive: true, force: true });
  const tree = await contentOf(archive);
  return { tree, earlier, publicKey, publicKeyPath, head: erased.digest.sha256, scratch, remove };
}

/** Without the lock's file, which is no part of an archive's content: it may come and go. */
async function contentOf(archive: string): Promise<Tree> {
  return new Map([...(await readTree(archive))].filter(([name]) => name !== ".lock"));
}

async function told(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await commandLine(args, env);
  if (code !== 0) throw new Error(`exit code ${code} of ${args[0]}: ${stdout} ${stderr}`);
  return JSON.parse(stdout);
}
