import { type Connect, connectKore, openPersonalData } from "../../functions/exporter/connect.ts";
import { parseSecret } from "../../functions/exporter/credentials.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import type { KoreSettings, Settings } from "../../functions/exporter/settings.ts";
import { type Check, ok, skipped } from "./checks.ts";
import { AWS_DEADLINE_MS, inTime, QUICK_CLIENT } from "./deadline.ts";
import { awsFailed, failed } from "./failure-text.ts";
import { DOCUMENTED_QUOTA } from "./verdicts.ts";

/** What became of looking for the credentials. */
export interface FoundSecret {
  readonly check: Check;
  /** Null if Kore cannot be asked. */
  readonly connect: Connect | null;
}

/** Longer than this nobody waits for a check; the settings' own limit holds if it is shorter. */
const LONGEST_REQUEST_MS = 15_000;

/** Whether the credentials of each source are there, and with them how to ask Kore. */
export async function findSecret(known: Partial<Settings>, signal: AbortSignal): Promise<FoundSecret> {
  const { credentials, sources } = known;
  if (credentials === undefined) {
    return { check: skipped("secret", "The settings of the credentials cannot be used."), connect: null };
  }
  if (sources === undefined) {
    return { check: skipped("secret", "The settings do not say for which bots or account."), connect: null };
  }
  const read = credentials.kind === "given" ? GIVEN : await readSecret(credentials.secretId, sources, signal);
  const settings = koreSettings(known);
  if (!read.isReadable || settings === null) return { check: read.check, connect: null };
  try {
    const connected = connectKore(settings, await protection(settings));
    return { check: read.check, connect: await inTime(connected, AWS_DEADLINE_MS, signal) };
  } catch {
    signal.throwIfAborted();
    return { check: read.check, connect: null };
  }
}

interface ReadSecret {
  readonly check: Check;
  /** False: there is no text to find anything in. */
  readonly isReadable: boolean;
}

const GIVEN: ReadSecret = { check: ok("secret", "KORE_CLIENT_ID and KORE_CLIENT_SECRET are set"), isReadable: true };

async function readSecret(secretId: string, sources: Settings["sources"], signal: AbortSignal): Promise<ReadSecret> {
  try {
    const text = await secretText(secretId, signal);
    const [failure] = sources.flatMap((source) => failureOf(() => parseSecret(text, sourceName(source))));
    if (failure !== undefined) return { check: failed("secret", failure), isReadable: true };
    return {
      check: ok("secret", `${secretId} holds them for ${sources.map(sourceName).join(", ")}`),
      isReadable: true,
    };
  } catch (error) {
    signal.throwIfAborted();
    return { check: awsFailed("secret", secretId, error, UNREADABLE), isReadable: false };
  }
}

const UNREADABLE = "Check KORE_SECRET_ID, AWS_REGION, and the right to secretsmanager:GetSecretValue and to the key.";

/** The secret's text, or none if it is binary. Unlike the exporter's own reader, this one gives up early. */
async function secretText(secretId: string, signal: AbortSignal): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient(QUICK_CLIENT);
  try {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(AWS_DEADLINE_MS)]);
    return (await client.send(new GetSecretValueCommand({ SecretId: secretId }), { abortSignal })).SecretString ?? "";
  } finally {
    client.destroy();
  }
}

function failureOf(work: () => unknown): unknown[] {
  try {
    work();
    return [];
  } catch (error) {
    return [error];
  }
}

/** What asking takes; null if a part without a default cannot be used. */
function koreSettings({ host, sources, credentials, ...rest }: Partial<Settings>): KoreSettings | null {
  if (!host || !sources || !credentials) return null;
  const { timeoutMs = LONGEST_REQUEST_MS, ...others } = rest;
  const quick = Math.min(timeoutMs, LONGEST_REQUEST_MS);
  return { ...DEFAULTS, ...others, host, sources, credentials, timeoutMs: quick };
}

/** In place of settings that cannot be used. Personal data counts as protected then: nothing of a session is shown. */
const DEFAULTS = {
  timeZone: "UTC",
  quota: DOCUMENTED_QUOTA,
  pageSize: 100,
  personalData: { rules: { spelling: "unknown", userId: "keep", altText: "keep", tags: [] }, hashKey: null },
} as const;

/**
 * How the client is to treat sessions: nothing is archived here, so it is enough that it shows nothing of them where
 * personal data is protected. The key of hashes is another check's.
 */
function protection({ personalData }: KoreSettings): ReturnType<typeof openPersonalData> {
  const isKept = personalData.rules.spelling === "keep";
  const credentials = { kind: "given", credentials: { clientId: "", clientSecret: "" } } as const;
  return openPersonalData({ personalData: isKept ? personalData : DEFAULTS.personalData, credentials });
}
