import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../cli/program.ts";
import {
  DEFAULT_BOTS,
  DEFAULT_CREDENTIAL,
  type Session,
  type StandIn,
  sampleSession,
  startStandIn,
} from "../../demo/stand-in/server.ts";
import { daysFromTo } from "../../functions/exporter/export/calendar.ts";
import { VirtualClock } from "./virtual-clock.ts";

const [SUPPORT, SALES] = DEFAULT_BOTS;
/** Generated days: from one Monday on, over the turn of a year. The day after the last one has no sessions. */
const [FIRST, LAST, EMPTY] = ["2025-12-29", "2026-01-09", "2026-01-10"];
const MISSING = "2026-01-06";
const UNPROVEN = "2026-01-08";
const CHANGED = "2026-01-02";

/** A session that the archive must hold, by the stand-in's own words. */
export interface TrueSession {
  readonly dt: string;
  readonly type: string;
  readonly startMs: number;
  readonly session: Session;
}

/** An archive with all that the queries of docs/queries.md ask about. */
export interface CookbookArchive {
  readonly folder: string;
  /** Every session of the days that were exported. */
  readonly sessions: readonly TrueSession[];
  /** Days of January 2026, and what is known of them. */
  readonly days: {
    readonly missing: string;
    readonly empty: string;
    readonly unproven: string;
    readonly changed: string;
    readonly last: string;
  };
  readonly bots: readonly [string, string];
  close(): Promise<void>;
}

/** Exports eleven days of two bots, one of them twice, one without proof, one without sessions, and leaves one out. */
export async function makeCookbookArchive(): Promise<CookbookArchive> {
  const clock = new VirtualClock("2026-01-12T04:00:00Z");
  const quota = { requestsPerMinute: 0, requestsPerHour: 0 };
  const kore = await startStandIn({ from: FIRST, to: LAST, sessionsPerDay: 120, clock, ...quota });
  const parent = await mkdtemp(join(tmpdir(), "kore-cookbook-"));
  const folder = join(parent, "archive");
  const exporting = (...args: string[]) => exportInto(folder, kore, clock, args);
  addByHand(kore);
  await exporting("--from", FIRST, "--to", "2026-01-05");
  kore.misbehave({ kind: "total", as: "missing", source: SALES, day: UNPROVEN });
  await exporting("--from", "2026-01-07", "--to", EMPTY);
  kore.misbehave();
  kore.store.update(SUPPORT, "changing", { noOfMessagesExchanged: 77, containmentType: "agent" });
  await exporting("--date", CHANGED, "--bot", SUPPORT);
  return {
    folder,
    sessions: truthOf(kore),
    days: { missing: MISSING, empty: EMPTY, unproven: UNPROVEN, changed: CHANGED, last: LAST },
    bots: [SUPPORT, SALES],
    close: async () => {
      await kore.close();
      await rm(parent, { recursive: true, force: true });
    },
  };
}

async function exportInto(folder: string, kore: StandIn, clock: VirtualClock, args: readonly string[]): Promise<void> {
  const errors: string[] = [];
  const code = await runCli(["export", ...args], {
    stdout: { write: () => undefined, isTTY: false },
    stderr: { write: (text) => void errors.push(text), isTTY: false },
    env: {
      KORE_HOST: kore.url,
      KORE_BOT_IDS: DEFAULT_BOTS.join(","),
      KORE_CLIENT_ID: DEFAULT_CREDENTIAL.clientId,
      KORE_CLIENT_SECRET: DEFAULT_CREDENTIAL.clientSecret,
      KORE_ARCHIVE: folder,
      KORE_REQUESTS_PER_MINUTE: "0",
      KORE_REQUESTS_PER_HOUR: "0",
    },
    clock,
    signal: new AbortController().signal,
  });
  // A day without proof is a failure, as it should be.
  if (code !== 0 && !args.includes(EMPTY)) throw new Error(errors.join(""));
}

/** What no generator makes: a user who comes back, a telephone call, new tags, values that do not fit, a session that goes on. */
function addByHand({ store }: StandIn): void {
  const add = (botId: string, startTime: string, changes: Session) =>
    store.add(botId, sampleSession({ botId, startTime, containmentType: "selfService" }, changes));
  const zoe = { userId: "zoe@example.com" };
  add(SUPPORT, "2025-12-30T22:00:00.000Z", { sessionId: "zoe-1", ...zoe });
  add(SUPPORT, "2026-01-03T08:00:00.000Z", { sessionId: "zoe-2", containmentType: "dropOff", ...zoe });
  add(SALES, "2026-01-04T07:59:59.999Z", { sessionId: "zoe-3", ...zoe });
  add(SALES, "2026-01-05T07:59:59.999Z", { sessionId: "zoe-4", containmentType: "agent", ...zoe });
  const call = { name: "callId", value: "call-4711" };
  add(SUPPORT, "2026-01-03T09:00:00.000Z", {
    sessionId: "call-a",
    tags: { sessionTags: [call, { name: "attempt", value: 1 }, { name: "attempt", value: null }, null] },
  });
  add(SUPPORT, "2026-01-03T09:05:00.000Z", {
    sessionId: "call-b",
    tags: { sessionTags: [{ name: "campaign", value: "Neujahr 🎉" }, call] },
  });
  add(SUPPORT, "2026-01-04T09:05:00.000Z", { sessionId: "coerced-a", noOfMessagesExchanged: "many" });
  add(SALES, "2026-01-07T09:05:00.000Z", {
    sessionId: "coerced-b",
    noOfMessagesExchanged: [],
    noOfTasksExecuted: "few",
  });
  const metrics = (sentiment: number) => ({ region: "eu-central", metrics: { turns: 4, sentiment } });
  add(SUPPORT, "2026-01-05T10:05:00.000Z", { sessionId: "region-a", ...metrics(-0.25) });
  add(SALES, "2026-01-05T10:05:00.000Z", { sessionId: "region-b", ...metrics(0.75) });
  add(SUPPORT, `${CHANGED}T10:00:00.000Z`, { sessionId: "changing" });
  add(SUPPORT, `${LAST}T23:00:00.000Z`, { sessionId: "active", sessionStatus: "active", end_time: null });
}

function truthOf(kore: StandIn): TrueSession[] {
  const days = daysFromTo(FIRST, LAST).filter((dt) => dt !== MISSING);
  return days.flatMap((dt) =>
    DEFAULT_BOTS.flatMap((bot) =>
      kore.store
        .between(bot, Date.parse(dt), Date.parse(dt) + 86_400_000)
        .map(({ session, startMs, containmentType }) => ({
          dt,
          type: containmentType ?? "unclassified",
          startMs,
          session,
        })),
    ),
  );
}
