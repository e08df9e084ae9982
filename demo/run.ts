import { rm } from "node:fs/promises";
import { runCli } from "../cli/program.ts";
import { systemClock } from "../functions/exporter/clock.ts";
import { DEFAULT_BOTS, DEFAULT_CREDENTIAL, startStandIn } from "./stand-in/server.ts";

/** The demo's own folder: made anew by every run. */
const ARCHIVE = "demo-archive";
const DAYS = 3;
const DAY_MS = 86_400_000;

const QUERIES: readonly (readonly [string, string])[] = [
  [
    "Sessions and containment rate per day",
    `SELECT dt, count(*) AS sessions,
       round(100.0 * count(*) FILTER (WHERE containment_type = 'selfService') / count(*), 1) AS contained_percent
FROM sessions GROUP BY dt ORDER BY dt`,
  ],
  [
    "Top session tags",
    `SELECT tag.name, count(*) AS uses, count(DISTINCT tag.value) AS different_values
FROM (SELECT unnest(session_tags) AS tag FROM sessions) GROUP BY 1 ORDER BY uses DESC, 1 LIMIT 8`,
  ],
  [
    "The ledger next to the rows: what Kore reported, what the ledger says, what lies in the files",
    `SELECT e.dt, e.source, e.status, e.reported.total - e.edges.total AS reported, e.archived.total AS in_ledger,
       (SELECT count(*) FROM sessions s WHERE s.dt = e.dt AND s.bot_id = e.source) AS in_files
FROM exports e ORDER BY e.dt, e.source`,
  ],
];

const print = (text: string) => process.stdout.write(`${text}\n`);
const dayBefore = (count: number) => new Date(Date.now() - count * DAY_MS).toISOString().slice(0, 10);

/** Runs a command line as a user would, and shows it. Returns its exit code. */
async function run(env: Record<string, string>, ...args: string[]): Promise<number> {
  print(`\n$ kore-sessions ${args.map((arg) => (/[\s*]/.test(arg) ? `"${arg}"` : arg)).join(" ")}`);
  return runCli(args, {
    stdout: { write: (text) => void process.stdout.write(text), isTTY: process.stdout.isTTY },
    stderr: { write: (text) => void process.stderr.write(text), isTTY: process.stderr.isTTY },
    env,
    clock: systemClock,
    signal: new AbortController().signal,
  });
}

async function tour(): Promise<number> {
  const [from, to] = [dayBefore(DAYS), dayBefore(1)];
  await rm(ARCHIVE, { recursive: true, force: true });
  const kore = await startStandIn({ from, to });
  const env = {
    KORE_HOST: kore.url,
    KORE_CLIENT_ID: DEFAULT_CREDENTIAL.clientId,
    KORE_CLIENT_SECRET: DEFAULT_CREDENTIAL.clientSecret,
    KORE_ARCHIVE: ARCHIVE,
  };
  try {
    print(
      `A stand-in for Kore listens on ${kore.url}, with ${DAYS} days of two bots. Archiving them into ${ARCHIVE}/.`,
    );
    const bots = DEFAULT_BOTS.flatMap((bot) => ["--bot", bot]);
    const codes = [await run(env, "export", "--from", from, "--to", to, ...bots), await run(env, "status")];
    for (const [title, sql] of QUERIES) {
      print(`\n${title}:`);
      codes.push(await run(env, "sql", sql));
    }
    return Math.max(...codes);
  } finally {
    await kore.close();
  }
}

const code = await tour();
if (code === 0) {
  print(`
The archive is the folder ${ARCHIVE}/: Parquet under sessions/, one ledger record for each day and bot under exports/.
Try next:
  npm run -s kore-sessions -- sql "SELECT * FROM sessions LIMIT 5" --archive ${ARCHIVE} --json
  npm run -s kore-sessions -- export --help
To archive your own sessions, see "Archive your own sessions" in README.md.`);
}
process.exitCode = code;
