import { hostname, userInfo } from "node:os";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { isDay } from "../../functions/exporter/export/calendar.ts";
import type { Statement } from "../../functions/exporter/verify/statement.ts";

/** What the options of `verify` say that is to be written down. */
export interface StatementOptions {
  readonly acceptAdopted?: readonly string[];
  readonly retireKey?: readonly string[];
  readonly reference?: string;
}

/** Reads what is to be written down; null if nothing is. Throws `SettingsError`. */
export function readStatement(options: StatementOptions): Statement | null {
  const { acceptAdopted = [], retireKey = [], reference = "" } = options;
  if (acceptAdopted.length + retireKey.length === 0) return null;
  const problems: string[] = [];
  const days = acceptAdopted.map((text) => {
    const [dt = "", source = "", ...rest] = text.split("/");
    if (!isDay(dt) || source === "" || rest.length > 0) {
      problems.push(`--accept-adopted is "${text}"; give a day and a source, such as 2026-01-02/st-your-bot-id.`);
    }
    return { dt, source };
  });
  for (const key of retireKey.filter((text) => !/^[0-9a-f]{64}$/i.test(text))) {
    problems.push(`--retire-key is "${key}"; give the 64 hexadecimal digits of a key's fingerprint.`);
  }
  if (reference.trim() === "" || reference.length > 200 || /\p{Cc}/u.test(reference)) {
    problems.push("--reference is missing, longer than 200 characters, or no plain text; give a ticket's number.");
  }
  if (problems.length > 0) throw new SettingsError(problems);
  const actor = `${userInfo().username}@${hostname()}`;
  return { days, retires: retireKey.map((key) => key.toLowerCase()), reference: reference.trim(), actor };
}
