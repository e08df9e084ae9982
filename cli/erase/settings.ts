import type { HashKeySetting } from "../../functions/exporter/connect.ts";
import {
  checked,
  type Environment,
  personalData,
  readArchiveSetting,
  readSigningSettings,
  type Settings,
  type SigningSettings,
  value,
} from "../../functions/exporter/settings.ts";

/** What an erasure is told; it asks Kore nothing. */
export interface EraseSettings extends HashKeySetting, Pick<Settings, "archive" | keyof SigningSettings> {}

/** Reads the settings of an erasure. A key that is given wins over the secret's. Throws `SettingsError`. */
export function readEraseSettings(env: Environment): EraseSettings {
  const { hashKey } = checked(personalData, { rules: undefined, hashKey: value(env, "KORE_HASH_KEY") });
  const archive = readArchiveSetting(env);
  return { archive, ...readSigningSettings(env), hashKey, secretId: value(env, "KORE_SECRET_ID") ?? null };
}
