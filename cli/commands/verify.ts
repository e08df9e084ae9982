import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { Command } from "commander";
import { openStore } from "../../functions/exporter/archive/open-store.ts";
import { EXPORTER_VERSION } from "../../functions/exporter/contract.ts";
import { openSigner } from "../../functions/exporter/open-signer.ts";
import { makeScratch } from "../../functions/exporter/scratch.ts";
import { readArchiveSetting, readSigningSettings, type SigningSettings } from "../../functions/exporter/settings.ts";
import type { Trust } from "../../functions/exporter/verify/chain.ts";
import type { Statement } from "../../functions/exporter/verify/statement.ts";
import type { Verification } from "../../functions/exporter/verify/verify-archive.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo, ExitCode } from "../io.ts";
import { environmentWith, Problems, type SettingOptions, withArchive } from "../options.ts";
import type { Finish } from "../program.ts";
import { openCountView } from "../progress/count-view.ts";
import { verificationJson, verificationText } from "../verify/report.ts";
import { readStatement } from "../verify/statement.ts";
import { readArchiveId, readHead, readPublicKeys } from "../verify/trust.ts";

interface Options extends SettingOptions {
  readonly publicKey?: readonly string[];
  readonly head?: string;
  readonly archiveId?: string;
  readonly acceptAdopted?: readonly string[];
  readonly retireKey?: readonly string[];
  readonly reference?: string;
  readonly json?: true;
}

const EXAMPLES = `
Reads every file: its hash, its rows, and whether they belong there; and the chain of digests that says what
runs wrote. Signatures are checked with the public keys given, and with none that lies in the archive. A bucket
is asked for its versions too. Let no run be at work meanwhile.

Examples:
  kore-sessions verify --archive ./archive --public-key kore-public.pem
  kore-sessions verify --archive s3://my-bucket --public-key kore-public.pem --head 9f86d081…
  kore-sessions verify --archive ./archive --accept-adopted 2026-01-02/st-1 --reference TICKET-4711

A run adopts a day that it keeps although no digest vouches for it: verify reports it until somebody has looked at it,
and says so with another key than the run's.

A key to sign with (KORE_SIGNING_KEY), to be kept outside the archive, and its public half:
  openssl genpkey -algorithm ed25519 -out kore-signing.pem
  openssl pkey -in kore-signing.pem -pubout -out kore-public.pem

Exit codes: 0 all is as runs left it, 1 the archive cannot be read, 2 wrong usage or settings,
3 something was found.`;

/** `verify`: proves that nothing in an archive was changed, removed or slipped in. */
export function verifyCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("verify"))
    .description("Prove that nothing in the archive was changed, removed or slipped in.")
    .option("--public-key <file...>", "a key whose signatures are trusted, PEM or DER; may be repeated")
    .option("--head <hash>", "a digest's hash, as a run printed it: shows if newer digests were cut off")
    .option(
      "--archive-id <uuid>",
      "the archive's id, as runs and status print it: shows if another one lies in its place",
    )
    .option("--accept-adopted <dt/source...>", "first say that an adopted day is right; signed with KORE_SIGNING_KEY")
    .option("--retire-key <fingerprint...>", "first say that a key signs nothing any more; signed with another one")
    .option("--reference <text>", "why, such as a ticket's number; is recorded, so no personal data")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => finish(await verifyAction(options, io)));
}

async function verifyAction(options: Options, io: CommandIo): Promise<ExitCode> {
  const problems = new Problems();
  const env = environmentWith(io.env, options);
  const location = await problems.try(() => readArchiveSetting(env));
  const publicKeys = await problems.try(() => readPublicKeys(options.publicKey ?? []));
  const head = await problems.try(() => readHead(options.head));
  const archiveId = await problems.try(() => readArchiveId(options.archiveId));
  const statement = await problems.try(() => readStatement(options));
  const keys = await problems.try(() => readSigningSettings(env));
  problems.throwIfAny();
  if (location === undefined || publicKeys === undefined || head === undefined || archiveId === undefined) return 2;
  if (statement && keys) await write(statement, location, keys, io);
  const trust = { publicKeys, head, archiveId };
  const result = await verification(location, trust, io);
  const text = options.json
    ? `${JSON.stringify(verificationJson(result))}\n`
    : verificationText(result, location, trust);
  io.stdout.write(text);
  return result.findings.length === 0 ? 0 : 3;
}

async function write(statement: Statement, location: string, keys: SigningSettings, io: CommandIo): Promise<void> {
  const { writeStatement } = await import("../../functions/exporter/verify/statement.ts");
  const store = await openStore(location, { clock: io.clock });
  try {
    const signer = await openSigner(keys.signingKey, location);
    const run = { store, clock: io.clock, runId: randomUUID(), exporterVersion: EXPORTER_VERSION };
    const { number } = await writeStatement(statement, { ...run, signer, trustedKeys: keys.trustedKeys });
    io.log.info("statement", `Digest ${number} says so, for ${statement.reference}.`);
  } finally {
    store.close();
  }
}

async function verification(location: string, trust: Trust, io: CommandIo): Promise<Verification> {
  const { verifyArchive } = await import("../../functions/exporter/verify/verify-archive.ts");
  const store = await openStore(location, { clock: io.clock });
  const scratch = await makeScratch();
  const view = await openCountView(io, "Reading the digests …");
  try {
    const onDay = (done: number, all: number) => view.count("day", "checked", done, all);
    const { signal } = io;
    return await interruptible(verifyArchive({ store, location, scratch, trust, signal, onDay }), signal);
  } finally {
    view.stop();
    store.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
