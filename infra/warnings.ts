import { Annotations, type Stack } from "aws-cdk-lib";
import type { ExporterSettings } from "./settings.ts";

/** Warns at synth of settings that are allowed and have consequences that a person should know before deploying. */
export function warnAbout(stack: Stack, settings: ExporterSettings): void {
  const warn = (id: string, message: string) => Annotations.of(stack).addWarningV2(`exporter:${id}`, message);
  if (settings.retentionMode === "compliance") {
    warn(
      "compliance",
      `retentionMode "compliance": nobody can delete or shorten the lock of anything that is written to the archive, ` +
        `for ${settings.retentionDays} days each, the root user of the account included; a person cannot be erased from ` +
        "it before that either. Deploy with governance first, and read docs/retention.md.",
    );
  }
  if (!settings.alarmEmail) {
    warn("no-alarm-email", "alarmEmail is not set: alarms mail nobody. Set it, or subscribe to the alarms' topic.");
  }
  if (settings.scheduleTime < "01:00") {
    warn(
      "early-schedule",
      `scheduleTime "${settings.scheduleTime}" is less than an hour after midnight: each day is archived as ` +
        "provisional first, and settled in a later night. Any time from 01:00 on avoids that.",
    );
  }
}
