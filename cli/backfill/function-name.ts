import { LIVE_ALIAS } from "../../functions/exporter/contract.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";

/** A deployed function, taken apart. */
export interface FunctionName {
  /** What AWS is asked with: always with an alias or a version, since AWS starts durable executions no other way. */
  readonly qualified: string;
  /** The name alone, without account and alias. */
  readonly name: string;
  /** The Region that an ARN names; null: the one that the AWS SDK finds. */
  readonly region: string | null;
}

const FORM = new RegExp(
  [
    /^(?:arn:aws[a-z-]*:lambda:(?<region>[a-z0-9-]+):\d{12}:function:|\d{12}:function:)?/,
    /(?<name>[A-Za-z0-9_-]{1,64})(?<qualifier>:(?:\$LATEST|[A-Za-z0-9_-]+))?$/,
  ]
    .map(({ source }) => source)
    .join(""),
);

/**
 * Reads the setting: a name or an ARN, of an alias or version, or of the function, which stands for the alias `live`.
 * Source of the forms: `FunctionName`, https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. Throws `SettingsError`.
 */
export function readFunctionName(setting: string | undefined): FunctionName {
  const text = setting?.trim() ?? "";
  const help = "set KORE_FUNCTION (--function) to the deployment's output FunctionAlias, or use --local";
  if (text === "") throw new SettingsError([`No function is given; ${help}.`]);
  const { name, region = null, qualifier } = FORM.exec(text)?.groups ?? {};
  if (name === undefined) {
    throw new SettingsError([`KORE_FUNCTION (--function) is "${text}", which no function is called; ${help}.`]);
  }
  return { qualified: qualifier === undefined ? `${text}:${LIVE_ALIAS}` : text, name, region };
}
