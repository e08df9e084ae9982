import { ExporterError, SettingsError } from "../../functions/exporter/errors.ts";
import { type Environment, readSettings, type SETTINGS, type Settings } from "../../functions/exporter/settings.ts";

type Variable = keyof typeof SETTINGS;

/** The variables that each part of the settings is read from. */
const VARIABLES: Readonly<Record<keyof Settings, readonly Variable[]>> = {
  host: ["KORE_HOST"],
  sources: ["KORE_BOT_IDS", "KORE_ACCOUNT"],
  credentials: ["KORE_CLIENT_ID", "KORE_CLIENT_SECRET", "KORE_SECRET_ID"],
  archive: ["KORE_ARCHIVE"],
  timeZone: ["KORE_TIME_ZONE"],
  quota: ["KORE_REQUESTS_PER_MINUTE", "KORE_REQUESTS_PER_HOUR"],
  pageSize: ["KORE_PAGE_SIZE"],
  timeoutMs: ["KORE_REQUEST_TIMEOUT_SECONDS"],
  lookBackDays: ["KORE_LOOK_BACK_DAYS"],
  startDate: ["KORE_START_DATE"],
  personalData: ["KORE_PII", "KORE_HASH_KEY", "KORE_SECRET_ID"],
  signingKey: ["KORE_SIGNING_KEY"],
  trustedKeys: ["KORE_TRUSTED_KEYS"],
};

/** Settings that can be used, in place of those that are not looked at. */
const STAND_INS: Environment = {
  KORE_HOST: "https://kore.invalid",
  KORE_BOT_IDS: "any",
  KORE_CLIENT_ID: "any",
  KORE_CLIENT_SECRET: "any",
  KORE_ARCHIVE: "any",
};

/** The settings as far as they can be used. */
export interface KnownSettings {
  /** A part that cannot be used is left out. */
  readonly known: Partial<Settings>;
  /** A sentence for each thing that is wrong. */
  readonly problems: readonly string[];
}

/** Reads each part of the settings by itself, so that one wrong setting does not hide the others. */
export function readKnownSettings(env: Environment): KnownSettings {
  try {
    return { known: readSettings(env), problems: [] };
  } catch (error) {
    const parts = (Object.keys(VARIABLES) as (keyof Settings)[]).map((part) => readPart(part, env));
    return { known: Object.assign({}, ...parts), problems: sentences(error) };
  }
}

function readPart(part: keyof Settings, env: Environment): Partial<Settings> {
  const own = Object.fromEntries(VARIABLES[part].map((name) => [name, env[name]]));
  const isBesideSecret = (own.KORE_SECRET_ID ?? "").trim() !== "";
  const standIns = {
    ...STAND_INS,
    ...(isBesideSecret && { KORE_CLIENT_ID: undefined, KORE_CLIENT_SECRET: undefined }),
  };
  try {
    return { [part]: readSettings({ ...standIns, ...own })[part] };
  } catch (error) {
    if (error instanceof ExporterError) return {};
    throw error;
  }
}

function sentences(error: unknown): readonly string[] {
  if (error instanceof SettingsError) return error.problems;
  throw error;
}
