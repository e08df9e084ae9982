import { createHash } from "node:crypto";
import type { TestResult } from "@aws/durable-execution-sdk-js-testing";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import type { Credential, Fault } from "../../demo/stand-in/server.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import { isFailure } from "../../functions/exporter/errors.ts";
import {
  changeType,
  clearNight,
  DAY_MS,
  dayOf,
  filesByDay,
  filesText,
  OpenSessions,
  type Random,
  seeded,
  type Weather,
  weatherOf,
  wholeArchive,
  wholeTruth,
} from "../support/chaos.ts";
import { type Deployment, deploy, type RunOptions, skipTime } from "../support/durable-run.ts";
import { BOT, type Scenario, startScenario } from "../support/scenario.ts";
import { type SecretsServer, startSecretsServer } from "../support/secrets-server.ts";

/** Another one makes another month: `NIGHTS_SEED=2 npx vitest run test/e2e/nights.test.ts`. */
const SEED = Number(process.env.NIGHTS_SEED ?? 1);
const NIGHTS = 30;
/** As many as the look-back is long: every day comes to its last age. */
const QUIET_NIGHTS = 16;
const OTHER_BOT = "st-sales-0002";
const BOTS = [BOT, OTHER_BOT];
const SECRET_ID = "kore/exporter";
const FIRST_NIGHT = Date.parse("2026-01-02T02:15:00Z");
/** A complete day is looked at for a week; what happened to it must have been seen by then. */
const MOST_BAD_NIGHTS = 3;
const LAST_AGE = 16;

skipTime();

afterEach(() => {
  vi.unstubAllEnvs();
});
const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");

/** How a run ended: its status, or what it failed with. */
function endOf(run: TestResult): string {
  if (run.getStatus() !== "FAILED") return String(run.getStatus());
  const { errorType, errorMessage } = run.getError();
  return `${errorType}: ${errorMessage}`;
}

/** A record as it was written. */
interface Written {
  readonly night: number;
  readonly text: string;
  readonly record: LedgerRecord;
}

/** What everybody wrote, night by night, and what the runs said of their days. */
class Chronicle {
  night = 0;
  readonly records = new Map<string, Written[]>();
  /** Ids of the runs that worked in a night, as leases have them. */
  readonly owners = new Map<number, Set<string>>();
  /** The last that was said of a bot's day this night; null: nothing went wrong. */
  readonly said = new Map<string, string | null>();

  /** Listens to every store and log of this process until the test ends, without keeping what it hears. */
  constructor(archive: string) {
    const { writeIf } = FolderStore.prototype;
    const hear = (key: string, body: Buffer, location: string) => this.#hear(key, body, location === archive);
    FolderStore.prototype.writeIf = async function (key, body, expected) {
      const version = await writeIf.call(this, key, body, expected);
      hear(key, body, this.location);
      return version;
    };
    const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));
    for (const { stream } of streams) stream.write = (text: string | Uint8Array) => this.#log(String(text));
    onTestFinished(() => {
      FolderStore.prototype.writeIf = writeIf;
      for (const { stream, write } of streams) stream.write = write;
    });
  }

  /** Every record that a day of a bot has had, in order. */
  recordsOf(bot: string, day: string): readonly Written[] {
    return this.records.get(ledgerKey(day, bot)) ?? [];
  }

  #hear(key: string, body: Buffer, isArchive: boolean): void {
    const text = body.toString();
    if (isArchive && key.startsWith("exports/")) {
      const written = { night: this.night, text, record: JSON.parse(text) };
      this.records.set(key, [...(this.records.get(key) ?? []), written]);
    }
    if (isArchive || !key.startsWith("leases/")) return;
    const { owner } = JSON.parse(text) as { owner: { id: string } | null };
    const owners = this.owners.get(this.night) ?? new Set();
    if (owner !== null) this.owners.set(this.night, owners.add(owner.id));
  }

  #log(lines: string): boolean {
    for (const line of lines.split("\n").filter((text) => text.startsWith("{"))) {
      const { message, source, dt, error, problems } = JSON.parse(line);
      const codes = (problems ?? []).map(({ code }: { code: string }) => code).filter(isFailure);
      if (message === "day failed") this.said.set(`${source} ${dt}`, error?.code ?? error?.name ?? codes.at(-1));
      if (message === "day exported") this.said.set(`${source} ${dt}`, null);
    }
    return true;
  }
}

interface Parts {
  readonly scenario: Scenario;
  readonly deployed: Deployment;
  readonly secrets: SecretsServer;
  readonly chronicle: Chronicle;
  readonly random: Random;
  /** The secret's value, by bot. */
  readonly credentials: Record<string, Credential>;
}

/** Kore, its secret, the exporter as it is deployed, and what happens to them. */
class Month {
  readonly scenario: Scenario;
  readonly chronicle: Chronicle;
  /** The files of each day and bot as they were last seen. */
  readonly files = new Map<string, string>();
  readonly #parts: Parts;
  readonly #random: Random;
  readonly #open = new OpenSessions();
  #badNights = 0;

  constructor(parts: Parts) {
    this.scenario = parts.scenario;
    this.chronicle = parts.chronicle;
    this.#parts = parts;
    this.#random = parts.random;
  }

  /** What happens in a night: never so much in a row that the look-back could not see it any more. */
  weather(night: number): Weather {
    const lastChance = dayOf(FIRST_NIGHT + (night - LAST_AGE) * DAY_MS);
    const mustReach = this.#badNights >= MOST_BAD_NIGHTS || this.#open.has(lastChance, BOTS);
    const weather = weatherOf(this.#random, BOTS, this.#lateSession(night));
    const chosen = mustReach && !weather.reaches ? clearNight() : weather;
    this.#badNights = chosen.reaches ? 0 : this.#badNights + 1;
    return chosen;
  }

  /** What happens to the sessions of one day. */
  live(night: number): void {
    this.#open.close(this.scenario);
    for (const bot of BOTS) {
      if (this.#random() < 0.7) this.#open.arrive(this.scenario, bot, this.#random, `${bot}-${night}`);
      if (this.#random() < 0.4) changeType(this.scenario, bot, this.#random);
    }
  }

  /** The night's runs, once all of them have ended. */
  async run(weather: Weather, night: number): Promise<TestResult[]> {
    const { kore, clock } = this.scenario;
    const at = FIRST_NIGHT + night * DAY_MS;
    clock.advance(Math.max(0, at - clock.now()));
    kore.misbehave(...weather.faults);
    const rotate = () => this.#rotate(night);
    if (weather.rotates === "before" || weather.rotates === "value only in the morning") rotate();
    if (weather.rotates === "before") this.#publishSecret();
    const rotateAndPublish = () => {
      rotate();
      this.#publishSecret();
    };
    const runs = await this.#started(weather, at, rotateAndPublish);
    this.#publishSecret();
    kore.misbehave();
    return runs;
  }

  async #started({ starts, disturb }: Weather, at: number, rotate: () => void): Promise<TestResult[]> {
    const scheduled = { scheduledTime: new Date(at).toISOString() };
    const run = (event: object, options?: RunOptions) => this.#parts.deployed.durably(event, options);
    const start = () => run(scheduled, disturb({ random: this.#random, rotate }));
    if (starts === "none") return [];
    if (starts === "twice at once") return Promise.all([start(), run(scheduled)]);
    if (starts === "beside a run by hand") return Promise.all([start(), run({ date: dayOf(at - DAY_MS) })]);
    const first = await start();
    if (starts === "once") return [first];
    this.scenario.clock.advance(5 * 3_600_000);
    return [first, await start()];
  }

  #rotate(night: number): void {
    const bot = BOTS[night % 2] ?? BOT;
    const { credentials } = this.#parts;
    credentials[bot] = { clientId: `cs-${bot}`, clientSecret: `secret-of-night-${night}` };
    this.scenario.kore.rotateSecret(bot, `secret-of-night-${night}`);
  }

  #publishSecret(): void {
    this.#parts.secrets.secrets.set(SECRET_ID, JSON.stringify(this.#parts.credentials));
  }

  #lateSession(night: number): Fault {
    const arrive = () => this.#open.arrive(this.scenario, BOT, this.#random, `${BOT}-while-reading-${night}`);
    return { kind: "before-request", change: arrive, after: Math.floor(this.#random() * 30), times: 1 };
  }
}

/** Points the AWS SDK to a Secrets Manager of this test. */
async function startSecrets(credentials: Record<string, Credential>): Promise<SecretsServer> {
  const secrets = await startSecretsServer({ [SECRET_ID]: JSON.stringify(credentials) });
  onTestFinished(() => secrets.close());
  vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  return secrets;
}

async function startMonth(random: Random): Promise<Month> {
  const credentialOf = (bot: string) => ({ clientId: `cs-${bot}`, clientSecret: `secret-of-${bot}` });
  const credentials = Object.fromEntries(BOTS.map((bot) => [bot, credentialOf(bot)]));
  const secrets = await startSecrets(credentials);
  const sessions = { bots: BOTS, from: "2026-01-01", to: "2026-02-28", sessionsPerDay: 5 };
  const scenario = await startScenario(
    { ...sessions, requestsPerMinute: 30, requestsPerHour: 0, credentials },
    new Date(FIRST_NIGHT).toISOString(),
  );
  const deployed = await deploy(scenario, {
    KORE_BOT_IDS: BOTS.join(","),
    KORE_CLIENT_ID: "",
    KORE_CLIENT_SECRET: "",
    KORE_SECRET_ID: SECRET_ID,
    KORE_LOOK_BACK_DAYS: String(LAST_AGE),
    KORE_START_DATE: "2026-01-01",
    KORE_REQUESTS_PER_MINUTE: "30",
    KORE_REQUESTS_PER_HOUR: "0",
    KORE_PAGE_SIZE: "4",
  });
  const chronicle = new Chronicle(scenario.archive);
  return new Month({ scenario, deployed, secrets, chronicle, random, credentials });
}

/** Whatever changed in a night has a record that tells of it, and a day that is vouched for has the files it lists. */
async function checkFiles(month: Month, night: number): Promise<void> {
  const { scenario, chronicle, files } = month;
  const oldest = dayOf(FIRST_NIGHT + (night - LAST_AGE) * DAY_MS);
  for (const [key, found] of await filesByDay(scenario.archive, oldest)) {
    const [bot = "", day = ""] = key.split(" ");
    const record = chronicle.recordsOf(bot, day).at(-1);
    if (files.get(key) !== found) expect(record?.night, `the files of ${key} changed`).toBe(night);
    files.set(key, found);
    if (record === undefined || record.record.status === "incomplete") continue;
    expect(found, key).toBe(filesText(record.record.files.map(({ key, sha256 }) => ({ path: key, sha256 }))));
  }
}

/** Records follow on each other without a gap, and name a run that was at work. */
function checkRecords({ chronicle }: Month, night: number): void {
  // A run that goes on with what another one began the night before writes in that one's name.
  const owners = new Set([night - 1, night].flatMap((of) => [...(chronicle.owners.get(of) ?? [])]));
  for (const [key, records] of chronicle.records) {
    for (const [index, { record, night: writtenIn }] of records.entries()) {
      if (writtenIn !== night) continue;
      const previous = records[index - 1];
      expect(record.revision, key).toBe(index + 1);
      expect(record.previous_sha256, key).toBe(previous === undefined ? null : sha256(previous.text));
      expect(owners, `${key} written by ${record.run_id}`).toContain(sha256(record.run_id).slice(0, 16));
    }
  }
}

/** A reading that failed has left its code with the day, and a day that was read has none. */
async function checkProblems(
  month: Month,
  night: number,
  weather: Weather,
  runs: readonly TestResult[],
): Promise<void> {
  const { scenario, chronicle } = month;
  const failures = new Set<string>();
  for (const [key, code] of chronicle.said) {
    const [bot = "", day = ""] = key.split(" ");
    const record = await scenario.ledger(day, bot);
    const codes = record.problems.map((problem) => problem.code).filter(isFailure);
    if (code === null) {
      expect(codes, key).toEqual([]);
      expect(record.status, key).not.toBe("incomplete");
      continue;
    }
    expect(codes, key).toContain(code);
    failures.add(code);
    const earlier = chronicle.recordsOf(bot, day).slice(0, -1);
    const settled = earlier.some((one) => one.record.status !== "incomplete");
    expect(record.status === "incomplete", `${key} is ${record.status}`).toBe(!settled);
  }
  for (const source of weather.leaves?.sources ?? []) {
    const { problems } = await scenario.ledger(dayOf(FIRST_NIGHT + (night - 1) * DAY_MS), source);
    expect(problems.map(({ code }) => code)).toContain(weather.leaves?.code);
  }
  if (weather.reaches) {
    expect(runs.map(endOf)).toEqual(runs.map(() => "SUCCEEDED"));
    expect([...failures]).toEqual([]);
  }
}

async function liveThrough(month: Month, night: number, weather: Weather): Promise<void> {
  const { scenario, chronicle } = month;
  chronicle.night = night;
  chronicle.said.clear();
  const runs = await month.run(weather, night);
  await checkFiles(month, night);
  checkRecords(month, night);
  await checkProblems(month, night, weather, runs);
  expect(scenario.kore.requests.filter(({ quotaExceeded }) => quotaExceeded)).toEqual([]);
  scenario.kore.resetRequests();
}

test("thirty chaotic nights end with the archive that a quiet month would have left", {
  timeout: 120_000,
}, async () => {
  const random = seeded(SEED);
  const month = await startMonth(random);
  const { scenario, chronicle } = month;
  const told: string[] = [];
  for (let night = 0; night < NIGHTS + QUIET_NIGHTS; night++) {
    if (night < NIGHTS) month.live(night);
    const weather = night < NIGHTS ? month.weather(night) : clearNight();
    told.push(`${night} ${weather.name}`);
    await liveThrough(month, night, weather).catch((cause: unknown) => {
      throw new Error(`seed ${SEED}, night ${told.slice(-5).join("; ")}: ${cause}`, { cause });
    });
  }
  const archive = await wholeArchive(scenario.archive);
  for (let night = 0; night < NIGHTS; night++) {
    const day = dayOf(FIRST_NIGHT + (night - 1) * DAY_MS);
    for (const bot of BOTS) {
      const where = `seed ${SEED}, ${bot} ${day}`;
      expect(archive.get(`${bot} ${day}`), where).toEqual(wholeTruth(scenario, bot, day));
      const { record } = chronicle.recordsOf(bot, day).at(-1) ?? {};
      expect(["complete", "provisional"], where).toContain(record?.status);
      expect(record?.problems, where).toEqual([]);
    }
  }
});
