import { createHmac } from "node:crypto";
import type { Clock } from "./clock.ts";
import { hashesPersonalData } from "./contract.ts";
import { fixedCredentials, parseHashKey, secretCredentials } from "./credentials.ts";
import { ExporterError } from "./errors.ts";
import { type ErasedUsers, type ErasurePorts, loadErasedUsers } from "./export/erased-users.ts";
import { sourceName } from "./export/export-day.ts";
import { type CredentialsSource, KoreClient, type KoreEvent } from "./kore/client.ts";
import type { Quota } from "./kore/quota.ts";
import type { Source } from "./kore/wire.ts";
import { KEPT_PERSONAL_DATA, type PersonalData, protectedPersonalData } from "./sessions/personal-data.ts";
import type { CredentialsSetting, KoreSettings, Settings } from "./settings.ts";

/** Makes a client for a source, which uses the quota given. The caller closes it. */
export type Connect = (source: Source, quota: Quota, clock: Clock, onEvent?: (event: KoreEvent) => void) => KoreClient;

/**
 * How personal data is treated by the settings. The key of hashes is read now. Throws `ERR_SECRET_UNREADABLE` if there is
 * none and a rule hashes.
 */
export async function openPersonalData(
  settings: Pick<Settings, "personalData" | "credentials">,
): Promise<PersonalData> {
  const { personalData, credentials } = settings;
  const { rules } = personalData;
  if (rules.spelling === "keep") return KEPT_PERSONAL_DATA;
  if (credentials.kind === "given") {
    const passingKey = passingKeyFrom(credentials.credentials.clientSecret);
    return protectedPersonalData(rules, { hashKey: personalData.hashKey, passingKey });
  }
  const { secretsManagerReader } = await import("./secrets-manager.ts");
  const secret = await secretsManagerReader(credentials.secretId)();
  const hashKey = parseHashKey(secret);
  if (hashKey !== null || !hashesPersonalData(rules)) {
    return protectedPersonalData(rules, { hashKey, passingKey: passingKeyFrom(secret) });
  }
  const message =
    `KORE_PII hashes (${rules.spelling}), but the secret ${credentials.secretId} has no hashKey. ` +
    'Add "hashKey" beside the credentials, at least 32 characters, and never change it again.';
  throw new ExporterError("ERR_SECRET_UNREADABLE", message);
}

/** Where the key of hashes may be found: given, or in a secret. */
export interface HashKeySetting {
  readonly hashKey: string | null;
  readonly secretId: string | null;
}

/** The key of hashes; null if there is none. Throws `ERR_SECRET_UNREADABLE`. */
export async function openHashKey({ hashKey, secretId }: HashKeySetting): Promise<string | null> {
  if (hashKey !== null || secretId === null) return hashKey;
  const { secretsManagerReader } = await import("./secrets-manager.ts");
  return parseHashKey(await secretsManagerReader(secretId)());
}

/** Returns the key of hashes of these settings; null if there is none. Throws `ERR_SECRET_UNREADABLE`. */
export function hashKeyOf({
  personalData,
  credentials,
}: Pick<Settings, "personalData" | "credentials">): Promise<string | null> {
  const secretId = credentials.kind === "given" ? null : credentials.secretId;
  return openHashKey({ hashKey: secretId === null ? personalData.hashKey : null, secretId });
}

/**
 * Asks the archive for the users whose sessions are left out by these settings, each time anew; the key of hashes is read
 * once, and only if there are any. What is returned throws what `loadErasedUsers` and `openHashKey` do.
 */
export function erasedUsersOf(
  { personalData, credentials }: Pick<Settings, "personalData" | "credentials">,
  ports: ErasurePorts,
): () => Promise<ErasedUsers> {
  let key: Promise<string | null> | null = null;
  const hashKey = () => {
    key ??= hashKeyOf({ personalData, credentials });
    return key;
  };
  return () => loadErasedUsers(ports, personalData.rules.userId, hashKey);
}

/** Another key than the secret itself, with which tokens are signed: what is hashed comes from outside. */
function passingKeyFrom(secret: string): string {
  return createHmac("sha256", secret).update("passing key of personal data").digest("hex");
}

/**
 * How to reach Kore by the settings, with personal data treated as it is to be. Credentials are read now, and again when
 * Kore refuses them. Throws `ERR_SECRET_UNREADABLE` if no source has any; one without fails by itself.
 */
export async function connectKore(settings: KoreSettings, personalData: PersonalData): Promise<Connect> {
  const { host, timeoutMs, sources } = settings;
  const credentialsFor = await credentialsSource(settings.credentials);
  await refuseWithoutCredentials(sources, credentialsFor);
  return (source, quota, clock, onEvent) => {
    const parts = { host, source, credentials: credentialsFor(source), quota, timeoutMs, clock, random: Math.random };
    const protect = personalData.spelling === "keep" ? {} : { protect: personalData.session };
    return new KoreClient({ ...parts, ...protect, ...(onEvent && { onEvent }) });
  };
}

/** Where each source's credentials come from. The AWS SDK is loaded only if it is needed. */
async function credentialsSource(setting: CredentialsSetting): Promise<(source: Source) => CredentialsSource> {
  if (setting.kind === "given") return () => fixedCredentials(setting.credentials);
  const { secretsManagerReader } = await import("./secrets-manager.ts");
  const read = secretsManagerReader(setting.secretId);
  const bySource = new Map<string, CredentialsSource>();
  return (source) => {
    const name = sourceName(source);
    const known = bySource.get(name) ?? secretCredentials(read, name);
    bySource.set(name, known);
    return known;
  };
}

async function refuseWithoutCredentials(
  sources: readonly Source[],
  credentialsFor: (source: Source) => CredentialsSource,
): Promise<void> {
  const tried = await Promise.allSettled(sources.map((source) => credentialsFor(source).current()));
  const [first] = tried;
  if (first?.status === "rejected" && tried.every(({ status }) => status === "rejected")) throw first.reason;
}
