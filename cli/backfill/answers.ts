import { z } from "zod";
import { ExporterError, isFailure } from "../../functions/exporter/errors.ts";

const counts = z.number().int().nonnegative();
const told = z.object({ code: z.string(), message: z.string() });
const estimate = z.object({
  estimate: z.array(z.object({ source: z.string(), sessions: counts.nullable(), error: told.exactOptional() })),
  quota: z.object({ perMinute: counts, perHour: counts }),
  pageSize: counts,
});
const failed = z.object({ error: told });
const month = z.object({ days: z.array(z.object({ dt: z.string(), status: z.string() })), left: counts });

/** What the deployed function answers when it is asked how much there is to do. Null where Kore gave no total. */
export type EstimateAnswer = Readonly<z.infer<typeof estimate>>;

/** What it answers after archiving: the days it exported, and how many it had no room for. */
export type MonthAnswer = Readonly<z.infer<typeof month>>;

/** Reads an execution's result. Throws the failure that it tells of, or `ERR_FUNCTION_FAILED` if it is none. */
export function readEstimate(result: string): EstimateAnswer {
  const answer = understood(z.union([estimate, failed]), result);
  if ("error" in answer) throw saidFailure(answer.error.code, answer.error.message);
  return answer;
}

/** What the function says of its own failure: an error of ours keeps its code. */
export function saidFailure(code: string, message: string): ExporterError {
  if (isFailure(code) && code !== "ERR_INTERRUPTED") {
    return new ExporterError(code, `The deployed function says: ${message}`);
  }
  const told = `The deployed function could not say how much there is to do (${code}: ${message}). Look into its logs.`;
  return new ExporterError("ERR_FUNCTION_FAILED", told);
}

/** Reads an execution's result. Throws `ERR_FUNCTION_FAILED` if it is none. */
export function readMonth(result: string): MonthAnswer {
  return understood(month, result);
}

function understood<T>(schema: z.ZodType<T>, text: string): T {
  const { data, success } = schema.safeParse(parsed(text));
  if (success) return data;
  const shown = JSON.stringify(text.slice(0, 200));
  const message = `The deployed function answered ${shown}, which this version does not understand. Deploy this version.`;
  throw new ExporterError("ERR_FUNCTION_FAILED", message);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
