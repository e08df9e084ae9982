import { inBatches } from "../../functions/exporter/archive/batches.ts";
import type { Connect } from "../../functions/exporter/connect.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import { Quota } from "../../functions/exporter/kore/quota.ts";
import { koreInstant } from "../../functions/exporter/kore/request.ts";
import type { SessionsQuery, Source } from "../../functions/exporter/kore/wire.ts";
import type { Settings } from "../../functions/exporter/settings.ts";
import { ASKED_DAYS, type AskedSource, askSource, type CheckIo, causeOf } from "./ask-source.ts";
import type { Check } from "./checks.ts";
import { checkPageSize } from "./page-size.ts";
import { checkBots, checkQuota, checkScope, checkToken, DOCUMENTED_QUOTA } from "./verdicts.ts";

const ASKED_MS = ASKED_DAYS * 86_400_000;

/**
 * Asks each source once, and one of them for a whole page: a request for each source and two more at most, by the
 * exporter's own client and quota.
 */
export async function checkSources(
  { sources, quota: limits, pageSize }: Pick<Settings, "sources"> & Partial<Pick<Settings, "quota" | "pageSize">>,
  connect: Connect,
  io: CheckIo,
): Promise<Check[]> {
  const to = io.clock.now();
  const window: SessionsQuery = { dateFrom: koreInstant(to - ASKED_MS), dateTo: koreInstant(to) };
  const ask = async (source: Source, query: SessionsQuery): Promise<AskedSource> => {
    const quota = new Quota(limits ?? DOCUMENTED_QUOTA, io.clock);
    const said = await askSource(source, { ...query, limit: 1 }, { connect, quota, io });
    return { source, name: sourceName(source), quota, said };
  };
  const { first, query } = await askFirst(sources, window, ask);
  const rest = await inBatches(sources.slice(1), (source) => ask(source, query));
  const asked = [...first, ...rest];
  const page = await checkPageSize(asked, query, pageSize, { connect, io });
  return [
    checkToken(asked),
    checkScope(asked),
    ...checkBots(asked),
    checkQuota([...asked, ...page.asked], limits),
    page.check,
  ];
}

/** The first source tells whether Kore answers without a containment type here. */
async function askFirst(
  [first]: readonly Source[],
  window: SessionsQuery,
  ask: (source: Source, query: SessionsQuery) => Promise<AskedSource>,
): Promise<{ first: AskedSource[]; query: SessionsQuery }> {
  if (first === undefined) return { first: [], query: window };
  const asked = await ask(first, window);
  if (asked.said.kind !== "failure" || causeOf(asked.said.error) !== "wants a type") {
    return { first: [asked], query: window };
  }
  const typed: SessionsQuery = { ...window, containmentType: "selfService" };
  return { first: [await ask(first, typed)], query: typed };
}
