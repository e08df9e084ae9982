import type { ContainmentType } from "../../functions/exporter/contract.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";
import type { Window } from "../../functions/exporter/export/calendar.ts";
import type { SessionsQuery } from "../../functions/exporter/kore/wire.ts";
import { readTimeSpan, type TimeSpanOptions } from "./time-span.ts";

/** What narrows a list of sessions, besides its dates. */
export type Filters = Pick<SessionsQuery, "callId" | "userId" | "tags" | "sessionType" | "containmentType">;

/** What is to be fetched: certain sessions, or those of a span that pass the filters. `limit`: the most; null: all. */
export type FetchOrder = { readonly limit: number | null } & (
  | { readonly kind: "ids"; readonly ids: readonly string[] }
  | { readonly kind: "span"; readonly span: Window; readonly filters: Filters }
);

/** The options as they are given. */
export interface FetchOptions extends TimeSpanOptions {
  readonly sessionId?: readonly string[] | undefined;
  readonly callId?: string | undefined;
  readonly userId?: string | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly sessionType?: (typeof SESSION_TYPES)[number] | undefined;
  readonly containmentType?: ContainmentType | undefined;
  readonly limit?: string | undefined;
}

/** Values of `--session-type`. Source: `sessionType` under "Request Body Parameters" of Kore's page. */
export const SESSION_TYPES = ["interactive", "non-interactive"] as const;

/** Reads what is asked for. Throws `SettingsError` with everything that is wrong. */
export function readOrder(options: FetchOptions, timeZone: string, nowMs: number): FetchOrder {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  problems.push(...blankOptions(options), ...clashes(options));
  const limit = attempt(() => readLimit(options.limit)) ?? null;
  const filters = attempt(() => readFilters(options)) ?? {};
  const span = attempt(() => readTimeSpan(options, timeZone, nowMs)) ?? { from: 0, to: 0 };
  if (problems.length > 0) throw new SettingsError(problems);
  const { sessionId } = options;
  if (sessionId === undefined) return { kind: "span", span, filters, limit };
  return { kind: "ids", ids: [...new Set(sessionId.map((id) => id.trim()))], limit };
}

/** "If used, all other filters are ignored" (Kore's page, `sessionId`): better to say so than to ignore what was asked. */
function clashes(options: FetchOptions): string[] {
  if (options.sessionId === undefined) return [];
  return FILTER_OPTIONS.filter(([name]) => options[name] !== undefined).map(
    ([, option]) => `Kore ignores every other filter beside --session-id; leave ${option} out.`,
  );
}

const FILTER_OPTIONS = [
  ["callId", "--call-id"],
  ["userId", "--user-id"],
  ["tag", "--tag"],
  ["sessionType", "--session-type"],
  ["containmentType", "--containment-type"],
  ["from", "--from"],
  ["to", "--to"],
] as const;

function blankOptions({ sessionId, callId, userId }: FetchOptions): string[] {
  const blank = (values: readonly (string | undefined)[]) => values.some((value) => value?.trim() === "");
  return [
    ...(blank(sessionId ?? []) ? ["--session-id is blank; give ids as Kore sends them."] : []),
    ...(blank([callId]) ? ["--call-id is blank; give the id that the telephony names the call by."] : []),
    ...(blank([userId]) ? ["--user-id is blank; give the id as Kore sends it."] : []),
  ];
}

function readLimit(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`--limit is "${text}"; give a whole number from 1.`);
}

function readFilters({ callId, userId, tag, sessionType, containmentType }: FetchOptions): Filters {
  return {
    ...(callId !== undefined && { callId }),
    ...(userId !== undefined && { userId }),
    ...(tag !== undefined && { tags: readTags(tag) }),
    ...(sessionType !== undefined && { sessionType }),
    ...(containmentType !== undefined && { containmentType }),
  };
}

/** `NAME=VALUE`, cut at the first `=`. The API takes one value for each name. */
function readTags(texts: readonly string[]): Record<string, string> {
  const tags = new Map<string, string>();
  for (const text of texts) {
    const [name = "", ...rest] = text.split("=");
    if (name.trim() === "" || rest.length === 0) throw new Error(`--tag is "${text}"; give it as NAME=VALUE.`);
    if (tags.has(name))
      throw new Error(`--tag ${name} is given twice, and Kore takes one value for each; leave one out.`);
    tags.set(name, rest.join("="));
  }
  return Object.fromEntries(tags);
}
