import { ENVIRONMENT } from "../../functions/exporter/contract.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";
import type { Environment, Settings } from "../../functions/exporter/settings.ts";
import { checkArchive, checkLastRun } from "./archive.ts";
import type { CheckIo } from "./ask-source.ts";
import { type Check, type CheckName, skipped } from "./checks.ts";
import type { FoundFunction } from "./deployed-function.ts";
import { checkArchiveTables, checkNightlySchedule, findDeployment } from "./deployment.ts";
import { checkNode, checkSettings } from "./here.ts";
import { askHost } from "./host.ts";
import { type KnownSettings, readKnownSettings } from "./known-settings.ts";
import { findSecret } from "./secret.ts";

/** What of a deployment is looked at, besides the function that `KORE_FUNCTION` names. */
export interface CheckUpOptions {
  /** Name of the stack whose tables are looked at; else the function says. */
  readonly stack?: string;
  /** True: the settings are those of the deployed function. */
  readonly deployed?: boolean;
}

/**
 * Looks at everything that an export needs, check by check, and tells each as soon as it is known. What depends on
 * something that is not as it should be is skipped with the reason. Changes nothing: in Kore, in the archive, in AWS.
 *
 * Sends at most three requests to Kore besides one for each source. Each check gives up after seconds. Wrong settings
 * are checks too; rejects only when the signal is aborted.
 */
export async function* checkUp(env: Environment, io: CheckIo, options: CheckUpOptions = {}): AsyncGenerator<Check> {
  yield checkNode(process.versions.node);
  const deployment = await findNamedFunction(env, options, io);
  const { known, problems } = settingsOf(env, deployment, options);
  if (problems === null) yield skipped("settings", "Those of the deployed function are not known.");
  else yield* checkSettings(problems);
  // Beside Kore, so that two that hang do not add up.
  const archive = checkArchive(known, io);
  archive.catch(() => {});
  yield* checkKore(known, io);
  const { checks, ledger } = await archive;
  yield* checks;
  const schedule = await checkNightlySchedule(deployment.exporter, io.signal);
  const startsHere = deployment.exporter?.variables[ENVIRONMENT.archive] === known.archive;
  yield checkLastRun(ledger, schedule.status === "ok" && startsHere, io.clock.now());
  yield deployment.check;
  yield schedule;
  yield await checkArchiveTables(options.stack, deployment.exporter, io.signal);
}

/** A function as it was found, with what is wrong with its setting. */
interface NamedFunction extends FoundFunction {
  readonly problems: readonly string[];
}

async function findNamedFunction(
  env: Environment,
  { deployed }: CheckUpOptions,
  { signal }: CheckIo,
): Promise<NamedFunction> {
  try {
    const found = await findDeployment(env, signal);
    const isMissing = deployed === true && found.check.status === "skipped";
    const missing =
      "--deployed needs a function; set KORE_FUNCTION (--function) to the deployment's output FunctionAlias.";
    return { ...found, problems: isMissing ? [missing] : [] };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { check: skipped("function", "KORE_FUNCTION cannot be used."), exporter: null, problems: error.problems };
  }
}

/** The settings of here, or of the deployed function; `problems` is null if that did not tell its own. */
function settingsOf(
  env: Environment,
  { exporter, problems }: NamedFunction,
  { deployed }: CheckUpOptions,
): { known: KnownSettings["known"]; problems: readonly string[] | null } {
  if (deployed !== true) {
    const here = readKnownSettings(env);
    return { known: here.known, problems: [...here.problems, ...problems] };
  }
  if (exporter === null) return { known: {}, problems: problems.length > 0 ? problems : null };
  return readKnownSettings(exporter.variables);
}

const NEED_AN_ANSWER: readonly CheckName[] = ["token", "scope", "bot", "quota", "page-size"];

async function* checkKore(known: Partial<Settings>, io: CheckIo): AsyncGenerator<Check> {
  const secret = await findSecret(known, io.signal);
  yield secret.check;
  const host = await askHost(known.host, io.clock, io.signal);
  yield* host.checks;
  const { connect } = secret;
  const { host: address, sources } = known;
  if (!host.isReached || connect === null || sources === undefined) {
    const unreached = address === undefined ? "KORE_HOST cannot be used." : "The host does not answer.";
    const because = host.isReached ? "Kore cannot be asked without credentials." : unreached;
    yield* NEED_AN_ANSWER.map((name) => skipped(name, because));
    return;
  }
  const { checkSources } = await import("./sources.ts");
  yield* await checkSources({ ...known, sources }, connect, io);
}
