import { z } from "zod";
import { parseLocation } from "./archive/open-store.ts";
import { hashesPersonalData, type PersonalDataRules, readPersonalDataRules } from "./contract.ts";
import { isHashKey } from "./credentials.ts";
import { SettingsError } from "./errors.ts";
import { type Day, isDay, zoneName } from "./export/calendar.ts";
import type { QuotaLimits } from "./kore/quota.ts";
import type { Credentials } from "./kore/token.ts";
import type { Source } from "./kore/wire.ts";
import { readSigningKey, readTrustedKeys, type SigningKeySetting } from "./read-keys.ts";
import { readSources } from "./read-sources.ts";

/** Where the credentials come from: given in the environment, or kept in AWS Secrets Manager. */
export type CredentialsSetting =
  | { readonly kind: "given"; readonly credentials: Credentials }
  | { readonly kind: "secrets-manager"; readonly secretId: string };

/** What is to become of personal data. */
export interface PersonalDataSetting {
  readonly rules: PersonalDataRules;
  /** The key of hashes where the credentials are given; null: it is in their secret, or there is none. */
  readonly hashKey: string | null;
}

/** Everything a run is told, checked. */
export interface Settings {
  /** Kore's environment: https, or http on loopback; may have a path. */
  readonly host: URL;
  readonly sources: readonly Source[];
  readonly credentials: CredentialsSetting;
  /** A folder's path, or `s3://bucket/prefix`. */
  readonly archive: string;
  /** A name of the time zone database. */
  readonly timeZone: string;
  readonly quota: QuotaLimits;
  readonly pageSize: number;
  readonly timeoutMs: number;
  /** How many days back `--repair` and the nightly run look. */
  readonly lookBackDays: number;
  /** The first day that `--repair` and the nightly run are to archive; null: the look-back alone decides. */
  readonly startDate: Day | null;
  readonly personalData: PersonalDataSetting;
  /** Null: digests are not signed. */
  readonly signingKey: SigningKeySetting | null;
  /** Fingerprints of the keys besides its own whose digests a run believes: SHA-256 of a public key's DER. */
  readonly trustedKeys: readonly string[];
}

/** What asking Kore takes, without an archive. */
export type KoreSettings = Pick<
  Settings,
  "host" | "sources" | "credentials" | "timeZone" | "quota" | "pageSize" | "timeoutMs" | "personalData"
>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment variables that a run reads, with what they mean: the table in the README is checked against it. */
export const SETTINGS = {
  KORE_HOST: "Kore's environment, such as https://platform.kore.ai (http only on loopback)",
  KORE_BOT_IDS: "bots to archive, separated by commas",
  KORE_ACCOUNT: "true: archive the whole account through the admin-console endpoint, instead of bots",
  KORE_CLIENT_ID: "client id of the app made in Kore",
  KORE_CLIENT_SECRET: "client secret of that app",
  KORE_SECRET_ID: "AWS Secrets Manager secret that holds both, instead of them",
  KORE_ARCHIVE: "a folder, or s3://bucket/prefix",
  KORE_TIME_ZONE: "zone of the archive's days (UTC)",
  KORE_REQUESTS_PER_MINUTE: "quota of each source; 0 is no limit (60)",
  KORE_REQUESTS_PER_HOUR: "quota of each source; 0 is no limit (1800)",
  KORE_PAGE_SIZE: "sessions asked for at once (100)",
  KORE_REQUEST_TIMEOUT_SECONDS: "for one request, its answer included (30)",
  KORE_LOOK_BACK_DAYS: "how many days back `--repair` and the nightly run look (16)",
  KORE_START_DATE: "first day that `--repair` and the nightly run archive (the look-back's)",
  KORE_PII: "personal data to hash or drop, such as user_id=hash,tag:caller*=drop (keep)",
  KORE_HASH_KEY: "key of those hashes beside KORE_CLIENT_ID; a secret has it as `hashKey`",
  KORE_SIGNING_KEY: "signs what each run did: a file with an Ed25519 key outside the archive, or the ARN of a KMS key",
  KORE_TRUSTED_KEYS: "keys besides that one whose digests a run believes: their fingerprints, separated by commas",
  KORE_FUNCTION: "deployed function that `backfill` starts and `doctor` looks at (an alias's ARN)",
} as const;

/**
 * Reads a run's settings. Throws one `SettingsError` that lists everything wrong; each problem names the setting, its
 * value (never a secret's) and the next step.
 */
export function readSettings(env: Environment): Settings {
  return checked(schema, givenBy(env));
}

/** Reads what asking Kore takes; what an archive needs may be missing. Throws as `readSettings` does. */
export function readKoreSettings(env: Environment): KoreSettings {
  return checked(koreSchema, givenBy(env));
}

function givenBy(env: Environment) {
  return {
    host: value(env, "KORE_HOST"),
    sources: { bots: value(env, "KORE_BOT_IDS"), account: value(env, "KORE_ACCOUNT") },
    credentials: {
      clientId: value(env, "KORE_CLIENT_ID"),
      clientSecret: value(env, "KORE_CLIENT_SECRET"),
      secretId: value(env, "KORE_SECRET_ID"),
    },
    archive: value(env, "KORE_ARCHIVE"),
    timeZone: value(env, "KORE_TIME_ZONE"),
    quota: { perMinute: value(env, "KORE_REQUESTS_PER_MINUTE"), perHour: value(env, "KORE_REQUESTS_PER_HOUR") },
    pageSize: value(env, "KORE_PAGE_SIZE"),
    timeoutMs: value(env, "KORE_REQUEST_TIMEOUT_SECONDS"),
    lookBackDays: value(env, "KORE_LOOK_BACK_DAYS"),
    startDate: value(env, "KORE_START_DATE"),
    personalData: {
      rules: value(env, "KORE_PII"),
      hashKey: value(env, "KORE_HASH_KEY"),
      secretId: value(env, "KORE_SECRET_ID"),
    },
    signingKey: value(env, "KORE_SIGNING_KEY"),
    trustedKeys: value(env, "KORE_TRUSTED_KEYS"),
  };
}

/** With which key a command signs, and whose digests it believes. */
export type SigningSettings = Pick<Settings, "signingKey" | "trustedKeys">;

/** Reads what signs, and whom to believe. Throws `SettingsError`. */
export function readSigningSettings(env: Environment): SigningSettings {
  return checked(schema.pick({ signingKey: true, trustedKeys: true }), givenBy(env));
}

/** The archive's location alone, for commands that need nothing else. Throws `SettingsError`. */
export function readArchiveSetting(env: Environment): string {
  return checked(archive, value(env, "KORE_ARCHIVE"));
}

/** What a schema makes of a value. Throws `SettingsError` with a sentence for each problem. */
export function checked<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new SettingsError(parsed.error.issues.map(({ message }) => message));
  return parsed.data;
}

/** The rules for personal data alone; null if `KORE_PII` is not set. Throws `SettingsError`. */
export function readPersonalDataSetting(env: Environment): PersonalDataRules | null {
  const text = value(env, "KORE_PII");
  if (text === undefined) return null;
  return checked(personalDataRules, text);
}

/** A variable that is empty or blank counts as not set, as most shells and tools treat it. */
export function value(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === "" ? undefined : text;
}

/** A setting's text, turned into its value by `read`, which throws the sentence to tell if it can't. */
function setting<T>(read: (text: string | undefined) => T) {
  return z
    .string()
    .optional()
    .transform((text, context) => attempt(() => read(text), context));
}

function attempt<T>(read: () => T, context: z.RefinementCtx): T {
  try {
    return read();
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
}

function wholeNumber(name: keyof typeof SETTINGS, fallback: number, least: number, most: number) {
  return setting((text = String(fallback)) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new Error(`${name} is "${text}"; give a whole number from ${least} to ${most}.`);
  });
}

const host = setting((text) => {
  const help = "set it to the address of your Kore environment, such as https://platform.kore.ai.";
  if (text === undefined) throw new Error(`KORE_HOST is missing; ${help}`);
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  if (text.includes("@"))
    throw new Error("KORE_HOST holds more than an address (a user or a password); leave that out.");
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error(`KORE_HOST is "${text}"; ${help}`);
  if (url.search !== "" || url.hash !== "") {
    throw new Error("KORE_HOST holds more than an address (a query or a fragment); leave that out.");
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Error(`KORE_HOST is "${text}"; use https, since plain http would send tokens in the clear.`);
  }
  return url;
});

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

const sources = z
  .object({ bots: z.string().optional(), account: z.string().optional() })
  .transform(({ bots, account }, context) => attempt(() => readSources(bots, account), context));

const credentials = z
  .object({
    clientId: z.string().optional(),
    clientSecret: z.string().optional(),
    secretId: z.string().optional(),
  })
  .transform(({ clientId, clientSecret, secretId }, context): CredentialsSetting => {
    const fail = (message: string) => {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    };
    const given = clientId !== undefined || clientSecret !== undefined;
    if (given && secretId !== undefined) {
      return fail("Both KORE_SECRET_ID and KORE_CLIENT_ID or KORE_CLIENT_SECRET are set; set one or the other.");
    }
    if (secretId !== undefined) return { kind: "secrets-manager", secretId };
    if (clientId === undefined && clientSecret === undefined) {
      return fail("No credentials are given; set KORE_CLIENT_ID and KORE_CLIENT_SECRET, or KORE_SECRET_ID.");
    }
    if (clientId === undefined) return fail("KORE_CLIENT_ID is missing beside KORE_CLIENT_SECRET; set it.");
    if (clientSecret === undefined) return fail("KORE_CLIENT_SECRET is missing beside KORE_CLIENT_ID; set it.");
    return { kind: "given", credentials: { clientId, clientSecret } };
  });

const archive = setting((text) => {
  if (text === undefined) {
    throw new Error("No archive is given; set KORE_ARCHIVE (--archive) to a folder or to s3://bucket/prefix.");
  }
  parseLocation(text);
  return text;
});

const timeZone = setting((text = "UTC") => {
  const zone = zoneName(text);
  if (zone !== null) return zone;
  throw new Error(`KORE_TIME_ZONE (--time-zone) is "${text}"; give a name such as UTC or Europe/Berlin.`);
});

const startDate = setting((text) => {
  if (text === undefined || isDay(text)) return text ?? null;
  throw new Error(`KORE_START_DATE is "${text}"; give a date that exists, as yyyy-mm-dd.`);
});

const personalDataRules = setting((text = "keep") => {
  try {
    return readPersonalDataRules(text);
  } catch (error) {
    throw new Error(`KORE_PII: ${error instanceof Error ? error.message : String(error)}.`);
  }
});

/** What is to become of personal data; the key of hashes stands in one place only. */
export const personalData = z
  .object({ rules: personalDataRules, hashKey: z.string().optional(), secretId: z.string().optional() })
  .transform(({ rules, hashKey, secretId }, context) =>
    attempt((): PersonalDataSetting => {
      if (hashKey !== undefined && secretId !== undefined) {
        throw new Error("Both KORE_HASH_KEY and KORE_SECRET_ID are set; put the key into the secret, as hashKey.");
      }
      if (hashKey !== undefined && !isHashKey(hashKey)) {
        throw new Error("KORE_HASH_KEY has less than 32 characters; make one, once, with `openssl rand -hex 32`.");
      }
      if (hashKey === undefined && secretId === undefined && hashesPersonalData(rules)) {
        throw new Error("KORE_PII hashes, but KORE_HASH_KEY is missing; make one, once, with `openssl rand -hex 32`.");
      }
      return { rules, hashKey: hashKey ?? null };
    }, context),
  );

const koreSchema = z.object({
  host,
  sources,
  credentials,
  timeZone,
  quota: z.object({
    perMinute: wholeNumber("KORE_REQUESTS_PER_MINUTE", 60, 0, 1_000_000),
    perHour: wholeNumber("KORE_REQUESTS_PER_HOUR", 1_800, 0, 1_000_000),
  }),
  pageSize: wholeNumber("KORE_PAGE_SIZE", 100, 1, 10_000),
  timeoutMs: wholeNumber("KORE_REQUEST_TIMEOUT_SECONDS", 30, 1, 3_600).transform((seconds) => seconds * 1_000),
  personalData,
});

const schema = koreSchema.extend({
  archive,
  lookBackDays: wholeNumber("KORE_LOOK_BACK_DAYS", 16, 1, 400),
  startDate,
  signingKey: setting(readSigningKey),
  trustedKeys: setting(readTrustedKeys),
});
