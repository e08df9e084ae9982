import { SettingsError } from "../../functions/exporter/errors.ts";
import { readSettings } from "../../functions/exporter/settings.ts";
import type { Check } from "../doctor/checks.ts";
import { exitCodeOf, printChecks } from "../doctor/print.ts";
import type { CommandIo, ExitCode } from "../io.ts";
import { Problems } from "../options.ts";
import { type Answers, askAnswers, knownAnswers } from "./answers.ts";
import { changeText, isReplacement } from "./change.ts";
import { checkAlarmEmail, type Deployment, planDeployment, readDeployment } from "./deployment.ts";
import { checkNotTracked, ignoreEnvironmentFile } from "./git-ignore.ts";
import type { InitOptions } from "./options.ts";
import { nextText, type Outcome, outcomeJson, writtenText } from "./outcome.ts";
import { type PlannedFile, planEnvironmentFile } from "./planned-file.ts";
import { canAsk, openQuestions, type Questions, QuestionsEnded } from "./questions.ts";
import { replaceFile } from "./replace-file.ts";

/** Sets up a folder: asks, or takes flags; writes `.env`, and `cdk.json` if wished; checks; says what comes next. */
export async function runInit(options: InitOptions, io: CommandIo): Promise<ExitCode> {
  const questions = canAsk(io) && options.yes !== true ? await openQuestions(io) : null;
  try {
    return await setUp(options, questions, io);
  } catch (error) {
    if (!(error instanceof QuestionsEnded)) throw error;
    io.log.say("interrupted", "Interrupted. Nothing was written.");
    return 130;
  }
}

async function setUp(options: InitOptions, questions: Questions | null, io: CommandIo): Promise<ExitCode> {
  const folder = io.folder ?? ".";
  await checkNotTracked(folder);
  const known = await knownAnswers(options, io);
  const answers = questions === null ? known : await askAnswers(known, options, questions);
  const deployment = await readDeployment(folder, options, questions);
  await checkAll(answers, deployment, io);
  const files = [await planEnvironmentFile(folder, answers), ...planDeployment(deployment, answers)];
  if (!(await mayReplace(files, options, questions, io))) return 1;
  io.signal.throwIfAborted();

  const git = await ignoreEnvironmentFile(folder);
  for (const { path, text, mode } of files) await replaceFile(path, text, mode);
  const outcome: Outcome = { files, git, deploys: deployment !== null };
  if (!options.json) io.stdout.write(writtenText(outcome));
  const checks = options.check ? await checkSetUp(answers, options, io) : null;
  const isWell = checks === null || exitCodeOf(checks) === 0;
  io.stdout.write(options.json ? `${JSON.stringify(outcomeJson(outcome, checks))}\n` : nextText(outcome, isWell));
  return isWell ? 0 : 1;
}

/** What `doctor` says of the new settings. */
async function checkSetUp(answers: Answers, { json }: InitOptions, io: CommandIo): Promise<Check[]> {
  const { checkUp } = await import("../doctor/check-up.ts");
  const checks = checkUp({ ...io.env, ...answers }, io);
  if (json) return Array.fromAsync(checks);
  io.stdout.write("\n");
  return printChecks(checks, io);
}

async function checkAll(answers: Answers, deployment: Deployment | null, io: CommandIo): Promise<void> {
  const problems = new Problems();
  await problems.try(() => readSettings({ ...io.env, ...answers }));
  await problems.try(() => checkAlarmEmail(deployment));
  problems.throwIfAny();
}

/** Nothing is lost silently: values that would be replaced are told, and somebody has to want it. */
async function mayReplace(
  files: readonly PlannedFile[],
  { force }: InitOptions,
  questions: Questions | null,
  { log }: CommandIo,
): Promise<boolean> {
  const losses = files.flatMap(({ path, changes }) =>
    changes.filter(isReplacement).map((change) => `${path}: ${changeText(change)}`),
  );
  if (losses.length === 0) return true;
  for (const loss of losses) log.say("replaces", loss);
  if (force) return true;
  if (questions === null) {
    throw new SettingsError(["The values told above are there already; run it with --force to replace them."]);
  }
  if (await questions.confirm("Replace these values?")) return true;
  log.say("kept", "Nothing was written.");
  return false;
}
