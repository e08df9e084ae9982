import { rm } from "node:fs/promises";
import { Command } from "commander";
import { openStore } from "../../functions/exporter/archive/open-store.ts";
import { makeScratch } from "../../functions/exporter/scratch.ts";
import { readArchiveSetting } from "../../functions/exporter/settings.ts";
import type { Trust } from "../../functions/exporter/verify/chain.ts";
import type { Verification } from "../../functions/exporter/verify/verify-archive.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo, ExitCode } from "../io.ts";
import { environmentWith, Problems, type SettingOptions, withArchive } from "../options.ts";
import type { Finish } from "../program.ts";
import { openCountView } from "../progress/count-view.ts";
import { verificationJson, verificationText } from "../verify/report.ts";
import { readHead, readPublicKeys } from "../verify/trust.ts";

interface Options extends SettingOptions {
  readonly publicKey?: readonly string[];
  readonly head?: string;
  readonly json?: true;
}

const EXAMPLES = `
Reads every file: its hash, its rows, and whether they belong there; and the chain of digests that says what
runs wrote. Signatures are checked with the public keys given, and with none that lies in the archive. A bucket
is asked for its versions too. Let no run be at work meanwhile.

Examples:
  kore-sessions verify --archive ./archive --public-key kore-public.pem
  kore-sessions verify --archive s3://my-bucket --public-key kore-public.pem --head 9f86d081…

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
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => finish(await verifyAction(options, io)));
}

async function verifyAction(options: Options, io: CommandIo): Promise<ExitCode> {
  const problems = new Problems();
  const location = await problems.try(() => readArchiveSetting(environmentWith(io.env, options)));
  const publicKeys = await problems.try(() => readPublicKeys(options.publicKey ?? []));
  const head = await problems.try(() => readHead(options.head));
  problems.throwIfAny();
  if (location === undefined || publicKeys === undefined || head === undefined) return 2;
  const result = await verification(location, { publicKeys, head }, io);
  io.stdout.write(options.json ? `${JSON.stringify(verificationJson(result))}\n` : verificationText(result, location));
  return result.findings.length === 0 ? 0 : 3;
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
