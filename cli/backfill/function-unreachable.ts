import { ExporterError } from "../../functions/exporter/errors.ts";

/** AWS could not be asked about the function. */
export class FunctionUnreachable extends ExporterError {
  /** True if asking again may help: the network, or a trouble of AWS's own. */
  readonly passing: boolean;

  constructor(message: string, passing: boolean, cause: unknown) {
    super("ERR_FUNCTION_FAILED", message, { cause });
    this.passing = passing;
  }
}
