import type { Clock } from "./clock.ts";
import { fixedCredentials, secretCredentials } from "./credentials.ts";
import { sourceName } from "./export/export-day.ts";
import { type CredentialsSource, KoreClient, type KoreEvent } from "./kore/client.ts";
import type { Quota } from "./kore/quota.ts";
import type { Source } from "./kore/wire.ts";
import type { CredentialsSetting, Settings } from "./settings.ts";

/** Makes a client for a source, which uses the quota given. The caller closes it. */
export type Connect = (source: Source, quota: Quota, clock: Clock, onEvent?: (event: KoreEvent) => void) => KoreClient;

/**
 * How to reach Kore by the settings. Credentials are read now, and again when Kore refuses them. Throws
 * `ERR_SECRET_UNREADABLE` if no source has any; one without fails by itself.
 */
export async function connectKore(settings: Settings): Promise<Connect> {
  const { host, timeoutMs, sources } = settings;
  const credentialsFor = await credentialsSource(settings.credentials);
  await refuseWithoutCredentials(sources, credentialsFor);
  return (source, quota, clock, onEvent) => {
    const parts = { host, source, credentials: credentialsFor(source), quota, timeoutMs, clock, random: Math.random };
    return new KoreClient({ ...parts, ...(onEvent && { onEvent }) });
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
