import { type Connect, connectKore, openPersonalData } from "../../functions/exporter/connect.ts";
import { CONTAINMENT_TYPES } from "../../functions/exporter/contract.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import { Quota } from "../../functions/exporter/kore/quota.ts";
import { isRefusedCount, KoreRefusal } from "../../functions/exporter/kore/refusal.ts";
import { koreInstant } from "../../functions/exporter/kore/request.ts";
import type { SessionsApi, SessionsQuery, Source } from "../../functions/exporter/kore/wire.ts";
import type { KoreSettings } from "../../functions/exporter/settings.ts";
import type { CommandIo } from "../io.ts";
import type { RunView } from "../progress/run-view.ts";
import { Lines } from "./lines.ts";
import type { FetchOrder, Filters } from "./order.ts";
import type { FetchProblem } from "./problem.ts";
import { readIds } from "./read-ids.ts";
import { readWindow } from "./read-window.ts";
import { windowsOf } from "./time-span.ts";

/** What the parts of a fetch are called to the progress view: its windows, or all ids together. */
export function partsOf(order: FetchOrder): string[] {
  return order.kind === "ids" ? ["ids"] : windowsOf(order.span).map(({ from }) => koreInstant(from));
}

/** What a fetch tells on its way. */
export interface FetchPorts {
  readonly io: CommandIo;
  readonly view: RunView;
  readonly onProblem: (problem: FetchProblem) => void;
}

interface Fetching extends FetchPorts {
  readonly settings: KoreSettings;
  readonly lines: Lines;
  readonly connect: Connect;
}

/**
 * Writes what is asked for to stdout, one source after another. Throws `ERR_SECRET_UNREADABLE`, and the `ERR_KORE_…` family
 * once retrying is over.
 */
export async function fetchSessions(order: FetchOrder, settings: KoreSettings, ports: FetchPorts): Promise<void> {
  const lines = new Lines(ports.io.stdout, order.limit);
  const connect = await connectKore(settings, await openPersonalData(settings));
  const fetching = { ...ports, settings, lines, connect };
  if (order.kind === "ids") return fetchIds(order.ids, fetching);
  for (const source of settings.sources) {
    if (lines.room > 0) await withApi(source, fetching, (api) => fetchSpan(order, source, api, fetching));
  }
}

/** Asks each source for the ids that those before it do not know. */
async function fetchIds(ids: readonly string[], fetching: Fetching): Promise<void> {
  const { settings, lines, view, io, onProblem } = fetching;
  let missing = ids.map((id) => ({ id, isNamed: false }));
  for (const source of settings.sources) {
    if (missing.length === 0) break;
    const asked = missing.map(({ id }) => id);
    const onReceived = (count: number) => {
      view.progress({ source: sourceName(source), dt: "ids", received: count, expected: asked.length });
    };
    const read = await withApi(source, fetching, (api) =>
      readIds(asked, { api, lines, signal: io.signal, onReceived }),
    );
    read.problems.forEach(onProblem);
    // The limit is reached: nobody knows whether a source that was not asked knows the rest.
    if (lines.room === 0) return;
    missing = [...read.unknown];
  }
  const where = settings.sources.map(sourceName).join(", ");
  for (const { id, isNamed } of missing) onProblem(unknownSession(id, isNamed, where));
}

function unknownSession(id: string, isNamed: boolean, where: string): FetchProblem {
  const how = isNamed ? "does not know" : "neither returned nor named as unknown";
  const message = `Kore ${how} the session ${id} (${where}). Check the id and the bot; Kore keeps sessions for a limited time.`;
  return { code: "ERR_SESSION_UNKNOWN", message };
}

async function fetchSpan(
  { span, filters }: Extract<FetchOrder, { kind: "span" }>,
  source: Source,
  api: SessionsApi,
  { settings, lines, view, io, onProblem }: Fetching,
): Promise<void> {
  const name = sourceName(source);
  const lists = new Lists(filters);
  const unusable = new Set<string>();
  const windows = windowsOf(span);
  for (const [index, window] of windows.entries()) {
    if (lines.room === 0) break;
    const part = koreInstant(window.from);
    let received = 0;
    const onReceived = (count: number, total: number | null) => {
      if (received === 0 && total !== null) {
        api.expect(Math.ceil(total / settings.pageSize) * (windows.length - index));
      }
      received += count;
      const expected = total === null ? null : Math.min(total, received + lines.room);
      view.progress({ source: name, dt: part, received: count, expected });
    };
    const ports = { api, source, pageSize: settings.pageSize, lines, unusable, signal: io.signal, onReceived };
    const written = new Set<string>();
    const problems = await lists.read((query) => readWindow(window, query, written, ports));
    problems.forEach(onProblem);
    view.partDone(name, part, received);
  }
  if (lists.isSplit) {
    const message = `${name}: Kore does not answer without a containment type; sessions of none of the three are missing.`;
    io.log.warn("unfiltered-refused", message, { source: name });
  }
}

/** The lists that make up the answer: one, or one of each containment type where the API wants a type. */
class Lists {
  #queries: readonly SessionsQuery[];
  readonly #filters: Filters;

  constructor(filters: Filters) {
    this.#filters = filters;
    this.#queries = [filters];
  }

  get isSplit(): boolean {
    return this.#queries.length > 1;
  }

  async read(readList: (query: SessionsQuery) => Promise<FetchProblem[]>): Promise<FetchProblem[]> {
    const problems: FetchProblem[] = [];
    try {
      for (const query of this.#queries) problems.push(...(await readList(query)));
      return problems;
    } catch (error) {
      const wantsType = error instanceof KoreRefusal && isRefusedCount(error);
      if (!wantsType || this.isSplit || this.#filters.containmentType !== undefined) throw error;
      this.#queries = CONTAINMENT_TYPES.map((containmentType) => ({ ...this.#filters, containmentType }));
      return this.read(readList);
    }
  }
}

/** Runs `work` with a client for the source that waits for the reader of stdout before each request. */
async function withApi<T>(
  source: Source,
  { settings, lines, view, io, connect }: Fetching,
  work: (api: SessionsApi) => Promise<T>,
): Promise<T> {
  const onEvent = (event: Parameters<RunView["koreEvent"]>[1]) => view.koreEvent(sourceName(source), event);
  const client = connect(source, new Quota(settings.quota, io.clock), io.clock, onEvent);
  try {
    return await work({
      sessions: async (query, signal) => {
        await lines.drained(io.signal);
        return client.sessions(query, signal);
      },
      expect: (requests) => client.expect(requests),
    });
  } finally {
    await client.close();
  }
}
