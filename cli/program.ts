import { Command, CommanderError } from "commander";
import { EXPORTER_VERSION } from "../functions/exporter/contract.ts";
import { asExporterError, ERRORS } from "../functions/exporter/errors.ts";
import { backfillCommand } from "./commands/backfill.ts";
import { eraseCommand } from "./commands/erase.ts";
import { exportCommand } from "./commands/export.ts";
import { sqlCommand } from "./commands/sql.ts";
import { statusCommand } from "./commands/status.ts";
import { verifyCommand } from "./commands/verify.ts";
import { describe } from "./describe.ts";
import type { CommandIo, ExitCode } from "./io.ts";

/** Takes a command's exit code out of commander, whose actions return nothing. */
export type Finish = (code: ExitCode) => void;

/**
 * Runs one command line and returns its exit code. Never throws: whatever goes wrong becomes a line on stderr for each
 * problem.
 */
export async function runCli(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = 0;
  const finish: Finish = (exitCode) => {
    code = exitCode;
  };
  try {
    await program(io, finish).parseAsync(argv.map(asArgument), { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (io.signal.aborted) {
      io.stderr.write("Interrupted. Nothing is half-written; the same command finishes the work.\n");
      return 130;
    }
    const known = asExporterError(error);
    io.stderr.write(describe(known));
    return ERRORS[known.code].exitCode as ExitCode;
  }
}

/** SQL may begin with a comment, `-- …`, which is no option. */
function asArgument(text: string): string {
  return /^--\s/.test(text) ? ` ${text}` : text;
}

function program(io: CommandIo, finish: Finish): Command {
  const root = new Command("kore-sessions")
    .description("Archives Kore.ai sessions as Parquet, proves each day complete, and queries the archive.")
    .version(EXPORTER_VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .configureHelp({ helpWidth: 100 })
    .showHelpAfterError("Try --help.");
  for (const command of [exportCommand, statusCommand, verifyCommand, sqlCommand, backfillCommand, eraseCommand])
    root.addCommand(command(io, finish));
  for (const command of root.commands) command.copyInheritedSettings(root);
  return root;
}
