import { ENVIRONMENT } from "../functions/exporter/contract.ts";
import type { ExporterSettings } from "./settings.ts";

/** Names that only exist once the stack is deployed. */
export interface DeployedNames {
  readonly archiveBucket: string;
  readonly scratchBucket: string;
  readonly secretArn: string;
  readonly signingKeyArn: string;
}

/** The function's environment variables: the names that the exporter reads everywhere, none of them secret. */
export function functionEnvironment(settings: ExporterSettings, names: DeployedNames): Record<string, string> {
  const { source } = settings;
  return {
    [ENVIRONMENT.host]: settings.host,
    ...(source.kind === "bots" ? { [ENVIRONMENT.botIds]: source.botIds.join(",") } : { [ENVIRONMENT.account]: "true" }),
    [ENVIRONMENT.secretId]: names.secretArn,
    [ENVIRONMENT.archive]: `s3://${names.archiveBucket}`,
    [ENVIRONMENT.scratch]: `s3://${names.scratchBucket}`,
    [ENVIRONMENT.signingKey]: names.signingKeyArn,
    ...(settings.trustedKeys.length > 0 && { [ENVIRONMENT.trustedKeys]: settings.trustedKeys.join(",") }),
    [ENVIRONMENT.timeZone]: settings.timeZone,
    [ENVIRONMENT.requestsPerMinute]: String(settings.requestsPerMinute),
    [ENVIRONMENT.requestsPerHour]: String(settings.requestsPerHour),
    [ENVIRONMENT.pageSize]: String(settings.pageSize),
    [ENVIRONMENT.lookBackDays]: String(settings.lookBackDays),
    ...(settings.startDate && { [ENVIRONMENT.startDate]: settings.startDate }),
    ...(settings.personalData !== "keep" && { [ENVIRONMENT.personalData]: settings.personalData }),
    [ENVIRONMENT.deployment]: settings.stackName,
  };
}
