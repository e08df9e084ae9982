import { type BenchCase, type Contender, type ContenderResult, medianOf, type Promised } from "../bench-case.ts";
import { discrepancies, type SourceAccount } from "../simulation/account.ts";
import { MOST_REQUEST_RATIO, MOST_TIME_RATIO, ratioOf } from "../simulation/bounds.ts";
import { simulateLargeDay } from "../simulation/large-day.ts";
import { USUAL_HOURS } from "../simulation/traffic.ts";

const DAY = "2026-01-08";
const SIZES = [30_000, 100_000];
const REQUESTS = "requests/fewest";
const TIME = "time/floor";

const nameOf = (sessions: number) => `a night of ${sessions.toLocaleString("en")} sessions`;

/** Requests and wall time of a night against what the quota allows, in virtual time: as docs/simulation.md, for two days. */
export function quotaFloor(): BenchCase {
  return {
    name: "quota-floor",
    title: "A night with the quota on",
    about:
      "The deployed nightly run in virtual time, against a model of Kore, S3 and Lambda, at 60 requests a minute and 1,800 an hour: " +
      "see [simulation.md](simulation.md) for what is assumed, and for other days. `fewest` is the number of full pages; `floor` is the least time in which the quota lets the requests be sent. " +
      "Time for a session is virtual time. Checked: every session is archived, and every request was told of.",
    unit: "session",
    units: SIZES[0] ?? 0,
    rounds: 1,
    warmUp: false,
    compares: false,
    prepare: async () => ({ contenders: SIZES.map(contender), cleanUp: async () => {} }),
    promises,
  };
}

function contender(sessions: number): Contender {
  return {
    name: nameOf(sessions),
    units: sessions,
    run: async () => {
      const account = await accountOf(sessions);
      return {
        elapsedMs: account.wallMs,
        figures: {
          requests: account.requests,
          fewest: account.fewest,
          [REQUESTS]: ratioOf(account),
          "floor s": account.floorMs / 1_000,
          [TIME]: account.wallMs / account.floorMs,
        },
      };
    },
  };
}

async function accountOf(sessions: number): Promise<SourceAccount> {
  const mix = [0.5, 0.3] as const;
  const traffic = { botId: "st-night", sessionsOn: () => sessions, mix, hours: USUAL_HOURS };
  const [account] = (await simulateLargeDay(traffic, DAY)).accounts;
  if (account === undefined) throw new TypeError("the night has no account");
  const wrong = discrepancies(account);
  if (wrong.length > 0) throw new Error(wrong.join("; "));
  return account;
}

function promises(results: readonly ContenderResult[]): Promised[] {
  return SIZES.map(nameOf).flatMap((name): Promised[] => {
    const of = (figure: string) => medianOf(results, name, figure);
    return [
      { what: `requests over full pages, ${name}`, value: of(REQUESTS), sense: "at most", limit: MOST_REQUEST_RATIO },
      { what: `time over the quota's floor, ${name}`, value: of(TIME), sense: "at most", limit: MOST_TIME_RATIO },
    ];
  });
}
