import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { Command } from "commander";
import { openStore } from "../../functions/exporter/archive/open-store.ts";
import { openHashKey } from "../../functions/exporter/connect.ts";
import { EXPORTER_VERSION } from "../../functions/exporter/contract.ts";
import type { ErasePorts } from "../../functions/exporter/erase/erase-users.ts";
import { ExporterError, SettingsError } from "../../functions/exporter/errors.ts";
import { openSigner } from "../../functions/exporter/open-signer.ts";
import { makeScratch } from "../../functions/exporter/scratch.ts";
import { erasedJson, erasedText, foundJson, foundText } from "../erase/report.ts";
import { type EraseSettings, readEraseSettings } from "../erase/settings.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo, ExitCode } from "../io.ts";
import { warnOfLeftOut } from "../left-out.ts";
import { environmentWith, Problems, type SettingOptions, withArchive, wrongDates } from "../options.ts";
import type { Finish } from "../program.ts";
import { openCountView } from "../progress/count-view.ts";

interface Options extends SettingOptions {
  readonly userId: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly reference?: string;
  readonly apply?: true;
  readonly purgeVersions?: true;
  readonly json?: true;
}

const EXAMPLES = `
Without --apply it looks, and changes nothing. It needs the key of hashes (KORE_HASH_KEY, or hashKey in the secret):
who was erased is recorded as a hash, and exports leave that user out from then on. See docs/erasure.md.

Examples:
  kore-sessions erase --user-id zoe@example.com
  kore-sessions erase --user-id zoe@example.com --apply --reference TICKET-4711
  kore-sessions erase --user-id zoe@example.com --apply --reference TICKET-4711 --purge-versions

Exit codes: 0 done, 1 something is left, 2 wrong usage or settings, 130 interrupted.`;

/** `erase`: takes the rows of persons out of an archive, and keeps them out. */
export function eraseCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("erase"))
    .description("Erase users from the archive, and from every export to come.")
    .requiredOption("--user-id <id...>", "a user, as Kore names them; may be repeated")
    .option("--from <day>", "first day to look at")
    .option("--to <day>", "last day to look at, included")
    .option("--reference <text>", "who asked for it, such as a ticket's number; is recorded, so no personal data")
    .option("--apply", "do it; without this nothing is changed")
    .option("--purge-versions", "also delete earlier versions that hold the rows, as far as your rights allow")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => finish(await eraseAction(options, io)));
}

async function eraseAction(options: Options, io: CommandIo): Promise<ExitCode> {
  const problems = new Problems();
  const settings = await problems.try(() => readEraseSettings(environmentWith(io.env, options)));
  await problems.try(() => checkOptions(options));
  problems.throwIfAny();
  if (settings === undefined) return 2;
  const hashKey = await interruptible(openHashKey(settings), io.signal);
  if (hashKey === null) throw withoutKey();
  const store = await openStore(settings.archive, { clock: io.clock });
  const scratch = await makeScratch();
  const view = await openCountView(io, "Reading the archive …");
  try {
    const run = { store, clock: io.clock, runId: randomUUID(), exporterVersion: EXPORTER_VERSION };
    let leftOut = 0;
    const hooks = {
      onStray: () => void leftOut++,
      onFile: (done: number) => view.count("file", "looked at", done, null),
      onDay: (done: number, all: number) => view.count("day", "rewritten", done, all),
    };
    const { trustedKeys } = settings;
    const ports = { ...run, ...hooks, hashKey, scratch, signal: io.signal, signer: null, trustedKeys };
    const tell = await carryOut(options, settings, ports, io);
    view.stop();
    warnOfLeftOut(io.log, leftOut);
    return tell();
  } finally {
    view.stop();
    store.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Does what the options ask for. What is returned tells it, once nothing draws on the terminal any more. */
async function carryOut(
  { userId: userIds, from, to, reference = "", apply, purgeVersions, json }: Options,
  settings: EraseSettings,
  ports: ErasePorts,
  io: CommandIo,
): Promise<() => ExitCode> {
  const { eraseUsers, findUsers } = await import("../../functions/exporter/erase/erase-users.ts");
  const order = { userIds, range: { from: from ?? null, to: to ?? null } };
  if (!apply) {
    const found = await interruptible(findUsers(order, ports), io.signal);
    return () => {
      io.stdout.write(json ? `${JSON.stringify(foundJson(found))}\n` : foundText(found, settings.archive));
      return 0;
    };
  }
  await ports.store.checkWritable();
  const signer = await openSigner(settings.signingKey, settings.archive);
  const result = await eraseUsers(order, reference.trim(), purgeVersions === true, { ...ports, signer });
  return () => {
    io.stdout.write(json ? `${JSON.stringify(erasedJson(result))}\n` : erasedText(result));
    if (result.problem !== null) io.log.error(result.problem);
    const isLeft = result.failures.length > 0 || result.purged.some(({ failure }) => failure !== null);
    return isLeft || result.seal instanceof ExporterError || result.problem !== null ? 1 : 0;
  };
}

function checkOptions({ userId, from, to, reference, apply, purgeVersions }: Options): void {
  const problems = wrongDates({ from, to });
  if (userId.some((id) => id.trim() === "")) problems.push("--user-id is blank; give the id as Kore sends it.");
  if (apply && !reference?.trim()) problems.push("--reference is missing; say who asked, such as a ticket's number.");
  if (purgeVersions && !apply) problems.push("--purge-versions deletes; give --apply with it.");
  const told = reference?.toLowerCase() ?? "";
  if (userId.some((id) => id !== "" && told.includes(id.toLowerCase()))) {
    problems.push("--reference has the user's id in it, and is kept for good; give a ticket's number.");
  }
  if (/\p{Cc}/u.test(told) || told.length > 200) {
    problems.push("--reference is longer than 200 characters, or no plain text; give a ticket's number.");
  }
  if (problems.length > 0) throw new SettingsError(problems);
}

function withoutKey(): ExporterError {
  const message =
    "There is no key of hashes, so nobody could be kept out of later exports. Add hashKey to the secret " +
    "(KORE_SECRET_ID), or set KORE_HASH_KEY; make it once, with `openssl rand -hex 32`.";
  return new ExporterError("ERR_HASH_KEY", message);
}
