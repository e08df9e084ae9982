import { SettingsError } from "../../functions/exporter/errors.ts";
import { type Change, changesBetween } from "./change.ts";
import type { Variables } from "./environment-text.ts";
import { jsonText } from "./json-text.ts";

/** What the `cdk.json` of this project says until somebody says what to archive. */
const PLACEHOLDERS: Exporter = {
  host: "https://platform.kore.ai",
  bots: ["st-00000000-0000-5000-8000-000000000000"],
  alarmEmail: "alarms@example.com",
};

/** Settings of `context.exporter` that follow from the answers; undefined: not set. */
type Exporter = Readonly<Record<string, unknown>>;

/** The settings of a deployment that the answers mean. `alarmEmail` is undefined if nobody named an address. */
export function deploymentSettings(variables: Variables, alarmEmail: string | undefined): Exporter {
  const { KORE_HOST: host = "", KORE_ACCOUNT, KORE_BOT_IDS = "", KORE_TIME_ZONE, KORE_START_DATE } = variables;
  const isAccount = KORE_ACCOUNT === "true";
  return {
    host: host.includes("://") ? host : `https://${host}`,
    bots: isAccount ? undefined : KORE_BOT_IDS.split(",").flatMap((id) => id.trim() || []),
    account: isAccount ? true : undefined,
    timeZone: KORE_TIME_ZONE,
    startDate: KORE_START_DATE,
    ...(alarmEmail !== undefined && { alarmEmail }),
  };
}

/**
 * The text of `cdk.json` with other settings of the exporter, and what changes; settings that are not named stay.
 * Throws `SettingsError` if the text is no `cdk.json`.
 */
export function withDeployment(text: string, path: string, settings: Exporter): { text: string; changes: Change[] } {
  const file = asObject(parsed(text, path), path);
  const context = asObject(file.context ?? {}, `${path}, context`);
  const given = asObject(context.exporter ?? {}, `${path}, context.exporter`);
  const before = withoutPlaceholders(given);
  const after = defined({ ...before, ...settings });
  const changes = changesBetween(texts(before), texts(after));
  const whole = { ...file, context: { ...context, exporter: after } };
  return { text: `${jsonText(whole)}\n`, changes };
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SettingsError([`${path} is not JSON; mend it, or leave --deploy out.`]);
  }
}

function asObject(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new SettingsError([`${place} is not an object; mend it, or leave --deploy out.`]);
}

/** The host of the placeholder is a real one: it is somebody's choice once the bots are. */
function withoutPlaceholders(given: Exporter): Exporter {
  const isPlaceholder = (name: string) => JSON.stringify(given[name]) === JSON.stringify(PLACEHOLDERS[name]);
  const isChosen = (name: string) => !isPlaceholder(name) || (name === "host" && !isPlaceholder("bots"));
  return Object.fromEntries(Object.entries(given).filter(([name]) => isChosen(name)));
}

function defined(settings: Exporter): Exporter {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function texts(settings: Exporter): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
