import { ExporterError } from "../../functions/exporter/errors.ts";
import { type Check, type CheckName, problem } from "./checks.ts";

const VERBS =
  "Check|Run|Another program|Turn|Set|Use|Make|Allow|Choose|Keep|Restore|Update|Add|Store|Give|Lower|Deploy|Export";

/** The sentences with which our errors say what to do next; a text from outside may end without a full stop before them. */
const HELP = new RegExp(`(?:(?<=[.…)]) (?:${VERBS})| Check KORE_HOST,) .*$`, "s");

/** What an error tells of what happened, without the sentences on what to do. */
export function whatHappened(error: unknown): string {
  return messageOf(error).replace(HELP, "");
}

/** The error's own words on what to do next; undefined if it has none. */
function whatToDo(error: unknown): string | undefined {
  return HELP.exec(messageOf(error))?.[0].trim();
}

/** The error as a problem, with its own words on what to do, else the check's. */
export function failed(name: CheckName, error: unknown): Check {
  return problem(name, whatHappened(error), whatToDo(error));
}

/** What an AWS client or the system says of a failure; our own errors speak for themselves. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof ExporterError || error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
}

const NEED_CREDENTIALS =
  /^(CredentialsProviderError|ExpiredToken|UnrecognizedClient|InvalidClientToken|InvalidSignature)/;

/** What an AWS client says of a failure, as a problem; `asked` names what was asked about. */
export function awsFailed(name: CheckName, asked: string, error: unknown, remedy?: string): Check {
  const isLate = error instanceof Error && /^(AbortError|TimeoutError)$/.test(error.name);
  const message = isLate ? "AWS gave no answer in time." : messageOf(error).replace(/\.?$/, ".");
  return problem(name, `${asked}: ${message}`, awsRemedy(message) ?? remedy);
}

function awsRemedy(message: string): string | undefined {
  if (NEED_CREDENTIALS.test(message)) {
    return "Give the AWS SDK credentials that hold now, such as with `aws sso login` and AWS_PROFILE.";
  }
  return message.includes("Region is missing") ? "Set AWS_REGION." : undefined;
}
