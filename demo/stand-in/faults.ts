import { z } from "zod";
import type { Query } from "./query.ts";
import { CONTAINMENT_TYPES, DAY_MS } from "./session.ts";
import type { SessionStore } from "./session-store.ts";
import { storeChangeSchema } from "./store-changes.ts";

/** Which requests a fault hits. A fault without selectors hits every request. */
const selectors = {
  /** This many matching requests are spared first. */
  after: z.int().nonnegative().exactOptional(),
  /** Then this many matching requests are hit; all of them when absent. */
  times: z.int().positive().exactOptional(),
  /** Only requests for this containment type; null: only requests without one. */
  containmentType: z.enum(CONTAINMENT_TYPES).nullable().exactOptional(),
  /** Only requests for this bot id, or for "account". */
  source: z.string().exactOptional(),
  /** Only requests for more than one row. */
  onlyPages: z.boolean().exactOptional(),
  /** Only requests whose window holds more than a second of this day (UTC). */
  day: z.iso.date().exactOptional(),
};

function fault<Kind extends string, Shape extends z.core.$ZodLooseShape>(kind: Kind, shape: Shape) {
  return z.strictObject({ kind: z.literal(kind), ...shape, ...selectors });
}

const positive = z.int().positive();

/** Faults that take the place of the answer. Of several that match a request, the first one named hits it. */
const insteadFaults = [
  /** An error in Kore's own shape, with the usual message of its status: 429, 500 to 599, 400, 412, 401, 403… */
  fault("refused", {
    status: z.int().min(400).max(599),
    msg: z.string().exactOptional(),
    retryAfterSeconds: z.number().nonnegative().exactOptional(),
    /** An HTTP date is counted from the server's clock. */
    retryAfterForm: z.enum(["seconds", "http-date"]).exactOptional(),
  }),
  /** The connection is reset before the answer. */
  fault("reset", {}),
  /** No answer ever comes. */
  fault("hang", {}),
  /** A whole answer that is not this API's. */
  fault("foreign-answer", {
    shape: z.enum([
      "html",
      "null",
      "array",
      "no-sessions",
      "empty",
      "no-content",
      "redirect",
      "encrypted-object",
      "encrypted-string",
      "encrypted-jwe",
    ]),
  }),
] as const;

/** Faults in the reading of the question and of the store. */
const readingFaults = [
  /** Pages hold at most this many rows. */
  fault("page-cap", { rows: positive }),
  /** Every page is the first one. */
  fault("skip-ignored", {}),
  /** Whether a session that starts exactly at dateFrom (lower) or dateTo (upper) counts. */
  fault("bounds", { bounds: z.enum(["inclusive", "exclusive", "exclusive-lower", "exclusive-upper"]) }),
  /** All sessions of the source, whatever the dates. */
  fault("window-ignored", {}),
  /** This session is returned under this containment type as well as under its own. */
  fault("two-types", { sessionId: z.string(), under: z.enum(CONTAINMENT_TYPES) }),
  /**
   * The list itself repeats rows, whatever the limit of the request: in every `every` rows (default: the page cap) the
   * first row comes twice (page-first), or the last one comes again as the next one's first (previous-page-last).
   */
  fault("repeated-rows", {
    of: z.enum(["page-first", "previous-page-last"]),
    every: z.int().min(2).exactOptional(),
    /** Whether `total` counts them. */
    counted: z.boolean(),
  }),
  /** Rows that were not asked for follow the list's last one: of other days, or of another bot. */
  fault("extra-rows", {
    of: z.enum(["other-days", "other-bot"]),
    rows: positive.exactOptional(),
    counted: z.boolean(),
  }),
  /** The row at this position of the list (default 0, the newest) is unusable. */
  fault("broken-row", {
    as: z.enum(["no-id", "null-id", "no-start", "bad-start", "null", "string"]),
    position: z.int().nonnegative().exactOptional(),
  }),
] as const;

/** Faults in the members beside the rows. */
const pageFaults = [
  fault("total", {
    as: z.union([z.strictObject({ offset: z.int() }), z.enum(["rows-of-page", "missing", "text", "null"])]),
  }),
  fault("more-available", { as: z.union([z.boolean(), z.literal("missing")]) }),
] as const;

/** Faults on the way. */
const deliveryFaults = [
  /** The body ends half-way: the connection breaks (broken), or HTTP calls the body complete (complete). */
  fault("cut-body", { as: z.enum(["broken", "complete"]) }),
  fault("gzip", {}),
  /** A byte order mark before the JSON. */
  fault("bom", {}),
  /** The body comes in this many pieces, each after a wait. */
  fault("trickle", { pieces: positive, everyMs: positive }),
  /** Valid JSON, without rows, of this size; with a content-length only if announced. */
  fault("huge-body", { mebibytes: positive, announced: z.boolean().exactOptional() }),
] as const;

/** A change of the store just before a request is read: sessions that come, go or change while someone pages. */
const beforeRequest = fault("before-request", {
  change: z.union([
    z.custom<(store: SessionStore) => void>((value) => typeof value === "function"),
    z.array(storeChangeSchema),
  ]),
});

export const faultSchema = z.discriminatedUnion("kind", [
  beforeRequest,
  ...insteadFaults,
  ...readingFaults,
  ...pageFaults,
  ...deliveryFaults,
]);

export type Fault = z.infer<typeof faultSchema>;
export type BeforeRequest = z.infer<typeof beforeRequest>;
export type InsteadFault = z.infer<(typeof insteadFaults)[number]>;
export type ReadingFault = z.infer<(typeof readingFaults)[number]>;
export type PageFault = z.infer<(typeof pageFaults)[number]>;
export type DeliveryFault = z.infer<(typeof deliveryFaults)[number]>;

function kindsOf(faults: readonly { shape: { kind: { value: string } } }[]): ReadonlySet<string> {
  return new Set(faults.map((schema) => schema.shape.kind.value));
}
const INSTEAD = kindsOf(insteadFaults);
const READING = kindsOf(readingFaults);
const PAGE = kindsOf(pageFaults);

/** The faults that hit one request, by the stage at which each acts. */
export interface Hits {
  readonly before: readonly BeforeRequest[];
  readonly instead: InsteadFault | undefined;
  readonly reading: readonly ReadingFault[];
  readonly page: readonly PageFault[];
  readonly delivery: readonly DeliveryFault[];
}

/** The active faults, each with the number of requests that have matched it. */
export class ActiveFaults {
  #faults: readonly { readonly fault: Fault; matched: number }[] = [];

  replace(faults: readonly Fault[]): void {
    this.#faults = faults.map((fault) => ({ fault, matched: 0 }));
  }

  /** The faults that hit this request. Once one takes the place of the answer, those after it do not count the request. */
  hitting(source: string, query: Query): Hits {
    const before = this.#take(source, query, ({ kind }) => kind === "before-request") as BeforeRequest[];
    const [instead] = this.#take(source, query, ({ kind }) => INSTEAD.has(kind), 1) as InsteadFault[];
    if (instead !== undefined) return { before, instead, reading: [], page: [], delivery: [] };
    const rest = this.#take(source, query, ({ kind }) => kind !== "before-request" && !INSTEAD.has(kind));
    return {
      before,
      instead,
      reading: rest.filter(({ kind }) => READING.has(kind)) as ReadingFault[],
      page: rest.filter(({ kind }) => PAGE.has(kind)) as PageFault[],
      delivery: rest.filter(({ kind }) => !READING.has(kind) && !PAGE.has(kind)) as DeliveryFault[],
    };
  }

  #take(source: string, query: Query, wanted: (fault: Fault) => boolean, atMost = Infinity): Fault[] {
    const taken: Fault[] = [];
    for (const entry of this.#faults) {
      if (taken.length === atMost) break;
      if (!wanted(entry.fault) || !matches(entry.fault, source, query)) continue;
      const { after = 0, times = Infinity } = entry.fault;
      if (entry.matched >= after && entry.matched < after + times) taken.push(entry.fault);
      if (entry.matched < after + times) entry.matched++;
    }
    return taken;
  }
}

function matches(fault: Fault, source: string, query: Query): boolean {
  if (fault.source !== undefined && fault.source !== source) return false;
  if (query.by === "ids") return fault.containmentType == null && fault.day === undefined;
  if (fault.containmentType !== undefined && fault.containmentType !== query.containmentType) return false;
  if (fault.onlyPages === true && query.limit <= 1) return false;
  if (fault.day === undefined) return true;
  const dayStartMs = Date.parse(fault.day);
  return Math.min(query.toMs, dayStartMs + DAY_MS) - Math.max(query.fromMs, dayStartMs) > 1000;
}
