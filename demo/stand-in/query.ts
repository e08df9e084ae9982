import { z } from "zod";
import { isRefusal, type Refusal, refusal } from "./refusals.ts";
import { CONTAINMENT_TYPES, type ContainmentType, DAY_MS } from "./session.ts";

/** Members by which a request narrows its window further. */
export interface SessionFilter {
  readonly userId?: string | undefined;
  readonly sessionType?: string | undefined;
  readonly callId?: string | undefined;
  readonly tags?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** What a valid request asks for. */
export type Query =
  | { readonly by: "ids"; readonly sessionIds: readonly string[] }
  | {
      readonly by: "window";
      readonly containmentType: ContainmentType | null;
      readonly fromMs: number;
      readonly toMs: number;
      readonly skip: number;
      readonly limit: number;
      readonly filter: SessionFilter | null;
    };

const LONGEST_SPAN_MS = 7 * DAY_MS;
const DEFAULT_LIMIT = 20;

/** A day, or an instant with milliseconds; both GMT. */
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}\.\d{1,3}Z)?$/;

const date = z
  .string()
  .regex(DATE)
  .refine(exists, "there is no such date or time")
  .transform((text) => Date.parse(text));
const count = z.int().nonnegative();

const bodySchema = z
  .strictObject({
    userId: z.string().min(1),
    skip: count,
    offset: count,
    limit: z.int().positive(),
    dateFrom: date,
    dateTo: date,
    tags: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    sessionType: z.enum(["interactive", "non-interactive"]),
    sessionId: z.array(z.string().min(1)).min(1).max(50),
  })
  .partial()
  .refine((body) => body.skip === undefined || body.offset === undefined, "skip and offset are the same parameter");

const parametersSchema = z
  .strictObject({ containmentType: z.enum(CONTAINMENT_TYPES), callId: z.string().min(1) })
  .partial();

/** Reads the URL's parameters and the parsed body as the API documents them; whatever is not documented is refused. */
export function readQuery(parameters: URLSearchParams, body: unknown, nowMs: number): Query | Refusal {
  const named = Object.fromEntries(parameters);
  if (Object.keys(named).length !== parameters.size) return refusal(412, "a query parameter is repeated");
  const fromUrl = parametersSchema.safeParse(named);
  if (!fromUrl.success) return refusal(412, z.prettifyError(fromUrl.error));
  const fromBody = bodySchema.safeParse(body ?? {});
  if (!fromBody.success) return refusal(412, z.prettifyError(fromBody.error));

  const { sessionId, skip, offset, limit, dateFrom, dateTo, ...filter } = fromBody.data;
  if (sessionId !== undefined) return { by: "ids", sessionIds: sessionId };
  const window = readWindow(dateFrom, dateTo, nowMs);
  if (isRefusal(window)) return window;
  const { containmentType = null, callId } = fromUrl.data;
  const narrowed = callId !== undefined || Object.keys(filter).length > 0;
  return {
    by: "window",
    containmentType,
    ...window,
    skip: skip ?? offset ?? 0,
    limit: limit ?? DEFAULT_LIMIT,
    filter: narrowed ? { ...filter, callId } : null,
  };
}

/** False for a 30th of February, which JavaScript's own parser would take for a day in March. */
function exists(text: string): boolean {
  const instant = Date.parse(text);
  return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text.slice(0, 10));
}

function readWindow(
  dateFrom: number | undefined,
  dateTo: number | undefined,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } | Refusal {
  const toMs = dateTo ?? nowMs;
  const fromMs = dateFrom ?? toMs - LONGEST_SPAN_MS;
  if (dateFrom !== undefined && toMs - fromMs >= LONGEST_SPAN_MS) {
    const msg = "The duration between dateTo and dateFrom should be less than 7 days";
    return refusal(400, "the window spans seven days or more", msg);
  }
  return fromMs > toMs ? refusal(412, "dateFrom lies after dateTo") : { fromMs, toMs };
}
