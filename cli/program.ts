import { Command, CommanderError, Option } from "commander";
import { EXPORTER_VERSION } from "../functions/exporter/contract.ts";
import { asExporterError, ERRORS, SettingsError } from "../functions/exporter/errors.ts";
import { backfillCommand } from "./commands/backfill.ts";
import { completionCommand } from "./commands/completion.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { eraseCommand } from "./commands/erase.ts";
import { exportCommand } from "./commands/export.ts";
import { fetchCommand } from "./commands/fetch.ts";
import { initCommand } from "./commands/init.ts";
import { reportCommand } from "./commands/report.ts";
import { sqlCommand } from "./commands/sql.ts";
import { statusCommand } from "./commands/status.ts";
import { verifyCommand } from "./commands/verify.ts";
import { interruptible } from "./interruption.ts";
import type { CommandIo, ExitCode, ProcessIo } from "./io.ts";
import { LOG_FORMATS, type LogFormat, StderrLog } from "./log.ts";

/** Takes a command's exit code out of commander, whose actions return nothing. */
export type Finish = (code: ExitCode) => void;

/**
 * Runs one command line and returns its exit code. Never throws: whatever goes wrong becomes a line on stderr for each
 * problem.
 */
export async function runCli(argv: readonly string[], given: ProcessIo): Promise<ExitCode> {
  const log = new StderrLog(given.stderr, hasTerminal(given), given.clock);
  const io: CommandIo = { ...given, stderr: log.output, log };
  let code: ExitCode = 0;
  const finish: Finish = (exitCode) => {
    code = exitCode;
  };
  try {
    const work = program(io, log, finish).parseAsync(argv.map(asArgument), { from: "user" });
    await (given.overdue === undefined ? work : interruptible(work, given.overdue));
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (io.signal.aborted) {
      const why = given.overdue?.aborted ? "What it waited for did not answer. " : "";
      log.say("interrupted", `Interrupted. ${why}Nothing is half-written; the same command finishes the work.`);
      return 130;
    }
    const known = asExporterError(error);
    log.error(known);
    return ERRORS[known.code].exitCode as ExitCode;
  }
}

/** SQL may begin with a comment, `-- …`, which is no option. */
function asArgument(text: string): string {
  return /^--\s/.test(text) ? ` ${text}` : text;
}

/** True where a person looks on, and not a machine that keeps what it was told. */
function hasTerminal({ stderr, env }: ProcessIo): boolean {
  const isMachine = env.TERM === "dumb" || !["", "0", "false"].includes(env.CI ?? "");
  return stderr.isTTY && !isMachine;
}

function program(io: CommandIo, log: StderrLog, finish: Finish): Command {
  const root = new Command("kore-sessions")
    .description("Archives Kore.ai sessions as Parquet, proves each day complete, and queries the archive.")
    .version(EXPORTER_VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text) => log.usage(text),
    })
    .configureHelp({ helpWidth: 100, showGlobalOptions: true })
    .showHelpAfterError("Try --help.")
    .addOption(logFormat())
    .option("--verbose", "tell each request and each wait on stderr, and draw no bar")
    .on("option:log-format", (format: LogFormat) => {
      log.format = format;
    })
    .on("option:verbose", () => {
      log.isVerbose = true;
    });
  for (const command of [
    initCommand,
    exportCommand,
    statusCommand,
    verifyCommand,
    sqlCommand,
    reportCommand,
    fetchCommand,
    backfillCommand,
    eraseCommand,
    doctorCommand,
    completionCommand,
  ])
    root.addCommand(command(io, finish));
  for (const command of root.commands) command.copyInheritedSettings(root);
  root.hook("preAction", (_, command) => tellEnvironmentFile(command, io));
  return root;
}

/** A broken `.env` ends a command before it begins; not one that starts with a shell, though, wherever that is. */
function tellEnvironmentFile(command: Command, { environmentFile, log }: CommandIo): void {
  if (environmentFile === undefined || command.name() === "completion") return;
  for (const warning of environmentFile.warnings) log.warn("environment-file", warning);
  if (environmentFile.problems.length > 0) throw new SettingsError(environmentFile.problems);
}

function logFormat(): Option {
  return new Option("--log-format <format>", "how messages on stderr are written").choices(LOG_FORMATS).default("text");
}
