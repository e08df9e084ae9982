import type { Check } from "../doctor/checks.ts";
import { exitCodeOf } from "../doctor/print.ts";
import type { GitIgnore } from "./git-ignore.ts";
import type { PlannedFile } from "./planned-file.ts";

/** What was set up. */
export interface Outcome {
  readonly files: readonly PlannedFile[];
  readonly git: GitIgnore;
  /** True if the settings of a deployment were written. */
  readonly deploys: boolean;
}

/** A command line that comes next, and what it does. */
interface NextCommand {
  readonly command: string;
  readonly does: string;
}

function nextCommands({ deploys }: Outcome, isWell: boolean): NextCommand[] {
  if (!isWell) return [{ command: "npm run -s kore-sessions -- doctor", does: "checks again, once that is mended" }];
  const here = [
    { command: "npm run -s kore-sessions -- export", does: "archives yesterday" },
    { command: "npm run -s kore-sessions -- status", does: "shows what is archived" },
  ];
  const inAws = [
    { command: "npm run synth", does: "checks cdk.json, without an AWS account" },
    { command: "npx cdk deploy", does: "deploys the nightly run: docs/deploy.md" },
  ];
  return deploys ? [...here, ...inAws] : here;
}

/** For people: what was written. */
export function writtenText({ files, git }: Outcome): string {
  const written = files.map(({ path, changes }) => {
    const names = changes.map(({ name }) => name).join(", ");
    return names === "" ? `${path} is as it was.\n` : `Wrote ${path}: ${names}\n`;
  });
  return `${written.join("")}${git === "added" ? "Wrote .gitignore: git leaves .env alone.\n" : ""}`;
}

/** For people: what comes next. */
export function nextText(outcome: Outcome, isWell: boolean): string {
  const next = nextCommands(outcome, isWell).map(({ command, does }) => `  ${command.padEnd(36)}  ${does}\n`);
  return `\nNext:\n${next.join("")}`;
}

/** For programs; without any value, since some are secret. `checks` is null if nothing was checked. */
export function outcomeJson(outcome: Outcome, checks: readonly Check[] | null): object {
  const isWell = checks === null || exitCodeOf(checks) === 0;
  return {
    ok: isWell,
    files: outcome.files.map(({ path, changes }) => ({ path, changed: changes.map(({ name }) => name) })),
    git: outcome.git,
    checks,
    next: nextCommands(outcome, isWell).map(({ command }) => command),
  };
}
