import { runCli } from "../../cli/program.ts";
import { sampleSession, startStandIn } from "../../demo/stand-in/server.ts";
import { addDays, daysFromTo } from "../../functions/exporter/export/calendar.ts";
import { VirtualClock } from "../../test/support/virtual-clock.ts";

/** Two bots whose sessions are archived; the id of the second one is as long as Kore's. */
export const BOTS = ["st-support-0001", "st-a51b9d5c-0f5e-5f5e-9d0b-0d2f6c1f3a77"] as const;

const FIRST = "2025-11-17";
const LAST = "2026-01-02";
/** On these the export is broken, or nobody ran it. */
const INCOMPLETE = ["2025-12-09", "2025-12-10"];
const MISSING = ["2025-12-24", "2025-12-25"];
const NOW = "2026-01-04T04:00:00Z";

/** Runs a command line in this process; throws what it said if its exit code is not `expected`. */
export async function cli(
  args: readonly string[],
  {
    env = {},
    clock = new VirtualClock(NOW),
    expected = 0,
  }: { env?: NodeJS.ProcessEnv; clock?: VirtualClock; expected?: number } = {},
): Promise<string> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const code = await runCli(args, {
    stdout: { write: (text) => void stdout.push(text), isTTY: false },
    stderr: { write: (text) => void stderr.push(text), isTTY: false },
    env,
    clock,
    signal: new AbortController().signal,
  });
  if (code !== expected) throw new Error(`kore-sessions ${args.join(" ")} ended with ${code}:\n${stderr.join("")}`);
  return stdout.join("");
}

/** Archives seven weeks of two bots through the command line; some days come out incomplete, provisional or missing. */
export async function makeArchive(archive: string): Promise<void> {
  const clock = new VirtualClock(NOW);
  const kore = await startStandIn({ bots: BOTS, clock, requestsPerMinute: 0, requestsPerHour: 0 });
  try {
    const days = daysFromTo(FIRST, LAST);
    for (const [index, day] of days.entries()) {
      for (const [which, bot] of BOTS.entries()) kore.store.generate(bot, day, sessionsOn(day, index, which));
    }
    const active = sampleSession({ botId: BOTS[0], startTime: `${LAST}T10:00:00Z` }, { sessionStatus: "active" });
    kore.store.add(BOTS[0], active);
    const env = {
      KORE_HOST: kore.url,
      KORE_BOT_IDS: BOTS.join(","),
      KORE_CLIENT_ID: "cs-demo",
      KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
      KORE_ARCHIVE: archive,
      KORE_TIME_ZONE: "Europe/Berlin",
      KORE_REQUESTS_PER_MINUTE: "0",
      KORE_REQUESTS_PER_HOUR: "0",
    };
    const exportDays = (from: string, to: string, more: object = {}) =>
      cli(["export", "--from", from, "--to", to], { env, clock, ...more });
    await exportDays(FIRST, addDays(INCOMPLETE[0] ?? "", -1));
    kore.misbehave({ kind: "total", as: "missing" });
    await exportDays(INCOMPLETE[0] ?? "", INCOMPLETE[1] ?? "", { expected: 1 });
    kore.misbehave();
    await exportDays(addDays(INCOMPLETE[1] ?? "", 1), addDays(MISSING[0] ?? "", -1));
    await exportDays(addDays(MISSING[1] ?? "", 1), LAST);
  } finally {
    await kore.close();
  }
}

/** Quiet weekends, a slow growth, and one busy day. */
function sessionsOn(day: string, index: number, bot: number): number {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  const usual = (bot === 0 ? 40 : 18) + Math.round(index / 3) + ((index * 7) % 9);
  const busy = day === "2025-11-28" ? 3 : 1;
  return busy * (weekday === 0 || weekday === 6 ? Math.round(usual / 3) : usual);
}
