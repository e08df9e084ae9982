#!/usr/bin/env node
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { faultsOf, messageOf } from "./control.ts";
import { type StandIn, type StandInOptions, startStandIn } from "./server.ts";

const USAGE = `Usage: node demo/stand-in/main.ts [options]

A stand-in for Kore's Sessions History API. Prints one line of JSON, {"url": …}, and runs until SIGTERM or SIGINT.

  --port N                  default: any free one
  --seed N                  the same seed gives the same sessions (1)
  --bots ID,ID              bots of the account (st-support-0001,st-sales-0002)
  --from DAY, --to DAY      days (UTC) with generated sessions; none when absent
  --sessions-per-day N      generated sessions of each bot on each day (240)
  --lazy-sessions N         as --sessions-per-day, but made only when asked for, without memory
  --requests-per-minute N   of each source, 0 is no limit (60)
  --requests-per-hour N     of each source, 0 is no limit (1800)
  --page-cap N              most rows of a page (100)

Faults: a JSON array of them as a line on stdin, or by POST to /__stand-in/faults; [] clears them.
Changes of the sessions: POST /__stand-in/changes. The requests so far: GET /__stand-in/requests (DELETE empties it).
`;

function optionsOf(args: string[]): StandInOptions | "help" {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      help: { type: "boolean", short: "h" },
      port: text,
      seed: text,
      bots: text,
      from: text,
      to: text,
      "sessions-per-day": text,
      "lazy-sessions": text,
      "requests-per-minute": text,
      "requests-per-hour": text,
      "page-cap": text,
    },
  });
  if (values.help === true) return "help";
  const lazySessions = values["lazy-sessions"];
  return present({
    port: whole("port", values.port),
    seed: whole("seed", values.seed),
    bots: values.bots?.split(","),
    from: values.from,
    to: values.to,
    sessionsPerDay: whole("sessions-per-day", lazySessions ?? values["sessions-per-day"]),
    lazy: lazySessions !== undefined,
    requestsPerMinute: whole("requests-per-minute", values["requests-per-minute"]),
    requestsPerHour: whole("requests-per-hour", values["requests-per-hour"]),
    pageCap: whole("page-cap", values["page-cap"]),
  });
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^\d+$/.test(text)) throw new RangeError(`--${name} "${text}" is not a whole number`);
  return text === undefined ? undefined : Number(text);
}

/** The options without those that were not given. */
function present(options: { [Name in keyof StandInOptions]: StandInOptions[Name] | undefined }): StandInOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function listenToStdin(standIn: StandIn): void {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    try {
      standIn.misbehave(...faultsOf(line));
    } catch (error) {
      process.stderr.write(`stand-in: ${messageOf(error)}\n`);
    }
  });
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(USAGE);
    return;
  }
  const standIn = await startStandIn(options);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void standIn.close().then(() => process.exit(0)));
  }
  listenToStdin(standIn);
  process.stdout.write(`${JSON.stringify({ url: standIn.url })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`stand-in: ${messageOf(error)}\n\n${USAGE}`);
  process.exit(2);
});
