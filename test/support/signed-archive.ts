import { generateKeyPairSync } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../cli/program.ts";
import { sampleSession, startStandIn } from "../../demo/stand-in/server.ts";
import { digestKey } from "../../functions/exporter/archive/layout.ts";
import { VirtualClock } from "./virtual-clock.ts";

export const BOT = "st-support-0001";
export const OTHER_BOT = "st-sales-0002";
/** Days of `BOT`; the second has a rejected row, the first was exported twice. */
export const DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"] as const;

/** An archive of six runs, signed: a day each, the first day once more, a day of the other bot, and one with nothing to do. */
export interface SignedArchive {
  readonly archive: string;
  readonly publicKeyPath: string;
  /** SHA-256 of the sixth digest, as the run told it. */
  readonly head: string;
  /** Keys in PEM: the one that signed, and one that a forger has. */
  readonly signingKey: string;
  readonly forgersKey: string;
  /** What lay under these keys after the first run, and does no more. */
  readonly replaced: ReadonlyMap<string, Buffer>;
  /** A copy to be corrupted. */
  copy(): Promise<string>;
  remove(): Promise<void>;
}

export interface CommandLineResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const clock = new VirtualClock("2026-01-05T04:00:00Z");

/** Runs a command line in this process. */
export async function commandLine(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  signal = new AbortController().signal,
): Promise<CommandLineResult> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const code = await runCli(args, {
    stdout: { write: (text) => void stdout.push(text), isTTY: false },
    stderr: { write: (text) => void stderr.push(text), isTTY: false },
    env,
    clock,
    signal,
  });
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}

/** An Ed25519 private key in PEM. */
export function newSigningKey(): string {
  return String(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
}

/** Makes the archive in `place` (default: a folder), by the runs that `SignedArchive` tells of. */
export async function makeSignedArchive(): Promise<SignedArchive> {
  const folder = await mkdtemp(join(tmpdir(), "kore-signed-"));
  const archive = join(folder, "archive");
  const keys = generateKeyPairSync("ed25519");
  const signingKey = String(keys.privateKey.export({ type: "pkcs8", format: "pem" }));
  const publicKeyPath = join(folder, "public.pem");
  await writeFile(join(folder, "key.pem"), signingKey);
  await writeFile(publicKeyPath, keys.publicKey.export({ type: "spki", format: "pem" }));
  const run = await startRuns({ KORE_ARCHIVE: archive, KORE_SIGNING_KEY: join(folder, "key.pem") });
  let replaced = new Map<string, Buffer>();
  const head = await run(async () => {
    replaced = await contentOf(archive);
  });
  const copy = async () => {
    const to = await mkdtemp(join(folder, "copy-"));
    await cp(archive, to, { recursive: true });
    return to;
  };
  const remove = () => rm(folder, { recursive: true, force: true });
  return { archive, publicKeyPath, head, signingKey, forgersKey: newSigningKey(), replaced, copy, remove };
}

/** Starts a stand-in; what is returned carries out the six runs, and returns the hash of the last digest. */
export async function startRuns(
  env: Readonly<Record<string, string>>,
): Promise<(afterFirst?: () => Promise<void>) => Promise<string>> {
  const kore = await startStandIn({ from: DAYS[0], to: DAYS[2], sessionsPerDay: 30, bots: [BOT, OTHER_BOT], clock });
  const add = (startTime: string, changes: Record<string, unknown>) =>
    kore.store.add(BOT, sampleSession({ botId: BOT, startTime }, changes));
  add(`${DAYS[0]}T10:00:00Z`, { sessionId: "moving" });
  add(`${DAYS[1]}T10:00:00Z`, { sessionId: "" });
  const given = {
    KORE_HOST: kore.url,
    KORE_BOT_IDS: BOT,
    KORE_CLIENT_ID: "cs-demo",
    KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
    ...env,
  };
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await commandLine([...args, "--json"], given);
    if (code !== 0) throw new Error(`exit code ${code} of ${args.join(" ")}: ${stdout} ${stderr}`);
    return JSON.parse(stdout).digest.sha256;
  };
  return async (afterFirst = async () => undefined) => {
    try {
      await run("export", "--date", DAYS[0]);
      await afterFirst();
      await run("export", "--date", DAYS[1]);
      await run("export", "--date", DAYS[2]);
      kore.store.update(BOT, "moving", { containmentType: "agent" });
      await run("export", "--date", DAYS[0]);
      await run("export", "--date", DAYS[0], "--bot", OTHER_BOT);
      return await run("backfill", "--local", "--from", DAYS[0], "--to", DAYS[2]);
    } finally {
      await kore.close();
    }
  };
}

async function contentOf(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const content = new Map<string, Buffer>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) content.set(path.slice(folder.length + 1), await readFile(path));
  }
  return content;
}

/** The digest with a number, as it lies in a folder: its two lines, parsed. */
export async function digestLines(archive: string, number: number) {
  const text = await readFile(join(archive, digestKey(number)), "utf8");
  const [digest = "", signature = ""] = text.split("\n");
  return { digest: JSON.parse(digest), signature: JSON.parse(signature) };
}
