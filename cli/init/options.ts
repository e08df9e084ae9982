import type { SettingOptions } from "../options.ts";

/** What `init` is told. */
export interface InitOptions extends SettingOptions {
  readonly host?: string;
  readonly clientId?: string;
  readonly clientSecretStdin?: true;
  readonly secretId?: string;
  readonly startDate?: string;
  readonly deploy?: true;
  readonly alarmEmail?: string;
  readonly yes?: true;
  readonly force?: true;
  /** False for `--no-check`. */
  readonly check: boolean;
  readonly json?: true;
}
