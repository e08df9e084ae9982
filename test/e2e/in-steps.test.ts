import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Fault } from "../../demo/stand-in/server.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import { PastReader } from "../../functions/exporter/archive/past.ts";
import { fixedCredentials } from "../../functions/exporter/credentials.ts";
import { namedDays } from "../../functions/exporter/export/agenda.ts";
import { NOBODY_ERASED } from "../../functions/exporter/export/erased-users.ts";
import type { DayResult } from "../../functions/exporter/export/export-day.ts";
import { exportSource } from "../../functions/exporter/export/export-days.ts";
import { Room } from "../../functions/exporter/export/room.ts";
import { KoreClient } from "../../functions/exporter/kore/client.ts";
import { InSteps } from "../../functions/exporter/steps/in-steps.ts";
import type { Steps } from "../../functions/exporter/steps/steps.ts";
import { deploy } from "../support/durable-run.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";

const SLICE_BUDGET = 100;
const QUOTA = { perMinute: 7, perHour: 0 };

/** Exports the day in steps, in as many slices as it takes, each result sent through JSON as by another process. */
async function exportInSteps({ kore, archive, clock }: Scenario): Promise<DayResult | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "kore-in-steps-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const steps: Steps = {
    run: async ({ gate }, work) => JSON.parse(JSON.stringify(await gate(() => work(new AbortController().signal)))),
    wait: (_name, ms) => clock.sleep(ms),
  };
  const store = new FolderStore(archive, clock);
  const run = {
    clock,
    timeZone: "UTC",
    exporterVersion: "0.0.0",
    sliceBudget: SLICE_BUDGET,
    erasedUsers: async () => NOBODY_ERASED,
  };
  const credentials = fixedCredentials({ clientId: "cs-demo", clientSecret: "demo-secret-of-the-stand-in" });
  const work = new InSteps(
    { kind: "bot", botId: BOT },
    {
      ...run,
      steps,
      scratch: new FolderStore(join(folder, "scratch"), clock),
      connect: async (source, quota, pausing, onEvent) => {
        const host = new URL(kore.url);
        return new KoreClient({
          host,
          source,
          credentials,
          quota,
          timeoutMs: 1_000,
          clock: pausing,
          random: Math.random,
          onEvent,
        });
      },
      quota: QUOTA,
      pageSize: 100,
      room: new Room(300_000),
      owner: { id: "owner", kind: "night" },
      deadline: Number.POSITIVE_INFINITY,
      personalData: "keep",
    },
  );
  const past = new PastReader(store, { signer: null, trustedKeys: [] });
  const { days } = await exportSource(namedDays([DAY], false, BOT, { ...run, store, past }), work, {
    ...run,
    store,
    past,
    runId: "test-run",
    personalData: { spelling: "keep", rejectedText: async (raw) => raw },
    acceptFewer: false,
  });
  return days[0];
}

async function essenceOf(scenario: Scenario): Promise<object> {
  const files = (await scenario.files()).map(({ path, sha256 }) => ({ path, sha256 }));
  const { started_at, finished_at, previous_sha256, ...record } = (await scenario.ledger()) as LedgerRecord;
  const problems = record.problems.map(({ code, message }) => ({ code, message: message.replace(/\d{4}-\S+Z/, "") }));
  return { files, record: { ...record, problems } };
}

/** What both tell of the day; steps shorten messages. */
function told(result: DayResult | undefined): object {
  const codes = result?.record?.problems.map(({ code }) => code);
  const record = { ...result?.record, problems: codes };
  return { ...result, error: result?.error?.message, record, ledgerSha256: undefined };
}

const MISBEHAVIOURS: readonly (readonly [string, readonly Fault[]])[] = [
  ["that behaves", []],
  ["that fails now and then", [{ kind: "refused", status: 500, after: 3, times: 2 }]],
  ["that breaks down in the middle", [{ kind: "refused", status: 403, after: 9 }]],
  ["that caps its pages", [{ kind: "page-cap", rows: 30 }]],
  ["whose totals are wrong", [{ kind: "total", as: { offset: 1 } }]],
  ["whose totals are missing", [{ kind: "total", as: "missing" }]],
  ["whose totals move once", [{ kind: "total", as: { offset: 1 }, after: 12, times: 2 }]],
  ["that repeats rows", [{ kind: "repeated-rows", of: "page-first", counted: false }]],
  ["that sends what nobody asked for", [{ kind: "extra-rows", of: "other-bot", rows: 2, counted: false }]],
  ["that sends a row without an id", [{ kind: "broken-row", as: "no-id" }]],
  ["whose bounds are exclusive", [{ kind: "bounds", bounds: "exclusive" }]],
  ["that ignores skip", [{ kind: "skip-ignored" }]],
  ["that does not count without a type", [{ kind: "refused", status: 400, containmentType: null }]],
];

describe("working in steps leaves the same archive as working at once, with a Kore", () => {
  test.each(MISBEHAVIOURS)("%s", async (_how, faults) => {
    const options = { sessionsPerDay: 250, requestsPerMinute: 0, requestsPerHour: 0 };
    const [atOnce, inSteps] = await Promise.all([startScenario(options), startScenario(options)]);
    for (const { kore } of [atOnce, inSteps]) kore.misbehave(...faults);
    const first = await atOnce.exportSliced(SLICE_BUDGET);
    const second = await exportInSteps(inSteps);
    expect(await essenceOf(inSteps)).toEqual(await essenceOf(atOnce));
    expect(told(second)).toEqual(told(first));
    // Retries of a request wait in the function; between batches of requests nothing runs.
    expect(inSteps.kore.requests).toHaveLength(atOnce.kore.requests.length);
  });
});

describe("a plain function", () => {
  const NIGHT = { scheduledTime: "2026-01-03T02:15:00Z" };
  const small = { sessionsPerDay: 700, requestsPerMinute: 5, requestsPerHour: 0 };
  const settings = { KORE_REQUESTS_PER_MINUTE: "5", KORE_REQUESTS_PER_HOUR: "0" };

  test.each([
    ["tried again by Lambda", "request-1"],
    ["of the next night", "request-2"],
  ])("that came to its end is gone on with by the run %s, which asks nothing twice", async (_which, requestId) => {
    vi.spyOn(console, "log").mockReturnValue();
    const scenario = await startScenario(small);
    const deployed = await deploy(scenario, settings);
    await expect(deployed.plainly(NIGHT, 80_000)).rejects.toMatchObject({ code: "ERR_INTERRUPTED" });
    const asked = scenario.kore.requests.length;
    expect(asked).toBeGreaterThan(8);
    expect(await scenario.files()).toEqual([]);
    const answer = await deployed.plainly(NIGHT, 600_000, requestId);
    expect(answer).toMatchObject({ days: [{ source: BOT, dt: DAY, status: "complete" }], left: 0 });
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(scenario.kore.requests.length).toBe((await scenario.ledger()).requests);
    expect(scenario.kore.requests.filter(({ status }) => status === 429)).toEqual([]);
    expect(asked).toBeLessThan(scenario.kore.requests.length);
  });
});
