/**
 * The settings of a deployment: context `exporter` of `cdk.json`, or `-c exporter='{…}'` on the command line (which
 * replaces the whole object). All that is wrong with them is told in one message, before anything is built.
 */
import { z } from "zod";
import { readPersonalDataRules } from "../functions/exporter/contract.ts";
import { firstTimeThatAlwaysExists, isTimeZone, missingOn } from "./schedule-time.ts";

/** Most characters that lists and rules may take, beside everything else, of the 4 KB of environment that AWS Lambda allows. */
const LISTS_MAX_LENGTH = 3000;

/** What a setting accepts (`must`) and what to do when it is wrong (`next`). */
interface Field<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly must: string;
  readonly next: string;
}

const field = <Schema extends z.ZodType>(schema: Schema, must: string, next: string): Field<Schema> => ({
  schema,
  must,
  next,
});

const wholeNumber = (smallest: number, largest: number, standard: number) =>
  field(
    z.int().min(smallest).max(largest).default(standard),
    `must be a whole number from ${smallest} to ${largest}`,
    `Remove it for the default of ${standard}.`,
  );

const arnOf = (service: string, resource: string) =>
  new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:\\d{12}:${resource}$`);

const FIELDS = {
  stackName: field(
    z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/)
      .default("KoreSessions"),
    "must be a stack name: a letter, then up to 63 letters, digits or hyphens",
    "Remove it for the default of KoreSessions; a second exporter in one account and Region needs another name.",
  ),
  host: field(
    z.string().refine(isKoreHost),
    "must be the https address of your Kore environment, without user name, query or fragment",
    "Write it as https://platform.kore.ai, the address that you see when you build the bot.",
  ),
  bots: field(
    z
      .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/))
      .nonempty()
      .refine((ids) => new Set(ids).size === ids.length && !ids.includes("account"))
      .refine((ids) => ids.join().length <= LISTS_MAX_LENGTH)
      .optional(),
    "must be a list of different bot ids, such as st-1a2b…, of at most 3,000 characters together",
    'Copy each id from the General Settings of its bot; for more bots, use "account": true or a second stack.',
  ),
  account: field(z.boolean().optional(), "must be true or false", "Remove it to export the bots of `bots`."),
  secretArn: field(
    z.string().regex(arnOf("secretsmanager", "secret:.+-[A-Za-z0-9]{6}")).optional(),
    "must be the complete ARN of a secret, with its six last characters",
    "Copy it from `aws secretsmanager describe-secret`, or remove it to have a new, empty secret.",
  ),
  secretKeyArn: field(
    z.string().regex(arnOf("kms", "key/.+")).optional(),
    "must be the ARN of the KMS key that encrypts the secret of `secretArn`",
    "Copy it from `aws kms describe-key`, or remove it if the secret uses aws/secretsmanager.",
  ),
  durable: field(
    z.boolean().default(true),
    "must be true or false",
    "Remove it for true; false deploys a plain function, for a Region that has no durable ones.",
  ),
  timeZone: field(
    z.string().refine(isTimeZone).default("UTC"),
    "must be the name of a time zone of the IANA list",
    "Write it as Europe/Berlin, or remove it for UTC. It cannot be changed once days are archived.",
  ),
  scheduleTime: field(
    z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
      .optional(),
    "must be a time of day from 00:00 to 23:59, in the time zone of `timeZone`",
    "Remove it for the default of 02:15.",
  ),
  lookBackDays: wholeNumber(1, 400, 16),
  startDate: field(
    z.iso.date().optional(),
    "must be a date, such as 2026-01-31",
    "Remove it to archive only from the look-back's first day on.",
  ),
  requestsPerMinute: wholeNumber(0, 1_000_000, 60),
  requestsPerHour: wholeNumber(0, 1_000_000, 1800),
  pageSize: wholeNumber(1, 10_000, 100),
  retentionMode: field(
    z.enum(["governance", "compliance"]).default("governance"),
    "must be governance or compliance",
    "Remove it for governance; in compliance mode nobody, not even the account's root user, can undo the lock.",
  ),
  retentionDays: wholeNumber(1, 36_500, 365),
  colderStorageDays: wholeNumber(0, 36_500, 90),
  alarmEmail: field(z.email().optional(), "must be an e-mail address", "Remove it to have alarms that mail nobody."),
  athenaScanLimitGigabytes: wholeNumber(1, 100_000, 100),
  personalData: field(
    z.string().refine(isPersonalDataRules).default("keep"),
    'must be "keep", or rules such as user_id=hash,tag:caller*=drop, none of which an earlier one leaves nothing to decide',
    "Write fields user_id, alt_text or tag:NAME, each with =keep, =hash or =drop; docs/personal-data.md explains them.",
  ),
  trustedKeys: field(
    z
      .array(z.string().regex(/^[0-9a-f]{64}$/))
      .refine((fingerprints) => new Set(fingerprints).size === fingerprints.length)
      .default([]),
    "must be a list of different fingerprints of public keys, each of 64 hexadecimal digits in lower case",
    "Write what `openssl pkey -pubin -in public.pem -outform DER | sha256sum` prints, or remove it if only the stack signs.",
  ),
  vpc: field(
    z
      .strictObject({
        vpcId: z.string().regex(/^vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})$/),
        subnetIds: z.array(z.string().regex(/^subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})$/)).nonempty(),
        securityGroupIds: z
          .array(z.string().regex(/^sg-(?:[0-9a-f]{8}|[0-9a-f]{17})$/))
          .nonempty()
          .optional(),
      })
      .optional(),
    "must have vpcId, subnetIds and, if you like, securityGroupIds, and nothing else",
    'Write it as {"vpcId": "vpc-0a…", "subnetIds": ["subnet-0b…"]}, or remove it if Kore is on the internet.',
  ),
  removal: field(
    z.enum(["retain", "destroy"]).default("retain"),
    "must be retain or destroy",
    "Remove it for retain, which keeps the archive, its key and the logs when the stack is deleted.",
  ),
} as const;

type FieldName = keyof typeof FIELDS;
type Values = { -readonly [Name in FieldName]: z.output<(typeof FIELDS)[Name]["schema"]> };

/** What is exported: some bots, or every bot of the account through the admin-console endpoint. */
export type Source = { readonly kind: "bots"; readonly botIds: readonly string[] } | { readonly kind: "account" };

/** Settings that are complete and belong together. Times are `HH:MM`, dates `YYYY-MM-DD`. */
export interface ExporterSettings extends Readonly<Omit<Values, "bots" | "account" | "scheduleTime">> {
  readonly source: Source;
  readonly scheduleTime: string;
}

/** Every wrong setting at once; the message is meant to be read by a person, without a stack trace. */
export class WrongSettings extends Error {
  override readonly name = "WrongSettings";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(["The settings in the context `exporter` (cdk.json, or -c) are wrong:", ...problems].join("\n- "));
    this.problems = problems;
  }
}

/**
 * The settings in `context`: an object, or its JSON as `-c` passes it. Throws `WrongSettings`.
 *
 * @param today a date, `YYYY-MM-DD`, from which on the schedule's time must exist every day
 */
export function readSettings(context: unknown, today: string): ExporterSettings {
  const given = asObject(context);
  const { values, problems } = parseFields(given);
  const wrong = [...problems, ...unknownKeys(given), ...contradictions(values, given, today)];
  if (wrong.length > 0) throw new WrongSettings(wrong);
  return complete(values as Values, today);
}

function asObject(context: unknown): Record<string, unknown> {
  let value = context;
  if (typeof value === "string") {
    try {
      value = JSON.parse(value);
    } catch {
      throw new WrongSettings(['exporter is not JSON. Write it as -c exporter=\'{"host": "https://…", …}\'.']);
    }
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WrongSettings(['exporter must be an object. Write at least {"host": "https://…", "bots": ["st-…"]}.']);
  }
  return value as Record<string, unknown>;
}

function parseFields(given: Record<string, unknown>): { values: Partial<Values>; problems: string[] } {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { schema, must, next }] of Object.entries(FIELDS)) {
    const result = schema.safeParse(given[name]);
    if (result.success) values[name] = result.data;
    else problems.push(`${name} ${given[name] === undefined ? "is missing: it" : shown(given[name])} ${must}. ${next}`);
  }
  return { values: values as Partial<Values>, problems };
}

/** The value as a person wrote it, cut to a line. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** The value of a key that is no setting is not shown: it could be a secret that was put in the wrong place. */
function unknownKeys(given: Record<string, unknown>): string[] {
  const known = Object.keys(FIELDS);
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const meant = known.find((name) => name.toLowerCase() === key.toLowerCase().replaceAll(/[_-]/g, ""));
      return `${key} is not a setting. ${meant ? `Write ${meant}.` : `Remove it; the settings are ${known.join(", ")}.`}`;
    });
}

/** Values that are right each by itself, but not together. What could not be read is absent from `values`. */
function contradictions(values: Partial<Values>, given: Record<string, unknown>, today: string): string[] {
  const problems: string[] = [];
  if ((given.bots !== undefined) === (given.account === true)) {
    problems.push(
      `bots and account: exactly one of them says what is exported. Write "bots": ["st-…"], or "account": true.`,
    );
  }
  const rules = values.personalData === "keep" ? "" : values.personalData;
  if (`${values.bots?.join() ?? ""}${rules ?? ""}${values.trustedKeys?.join() ?? ""}`.length > LISTS_MAX_LENGTH) {
    problems.push(
      "bots, personalData and trustedKeys are longer than 3,000 characters together. " +
        "Write shorter patterns with *, and leave out keys that no longer sign.",
    );
  }
  if (values.secretKeyArn && given.secretArn === undefined) {
    problems.push("secretKeyArn needs secretArn. Remove it: a new secret is encrypted with the archive's own key.");
  }
  if (values.retentionMode === "compliance" && values.removal === "destroy") {
    problems.push(
      'removal "destroy" contradicts retentionMode "compliance", in which nothing can be deleted. Remove one of the two.',
    );
  }
  if (values.startDate && values.startDate > today) {
    problems.push(`startDate "${values.startDate}" is in the future. Remove it, or write a day that has passed.`);
  }
  return [...problems, ...scheduleProblems(values, today)];
}

function scheduleProblems({ timeZone, scheduleTime }: Partial<Values>, today: string): string[] {
  if (!timeZone || !scheduleTime) return [];
  const missing = missingOn(scheduleTime, timeZone, today);
  if (!missing) return [];
  const instead = firstTimeThatAlwaysExists(timeZone, today);
  return [
    `scheduleTime "${scheduleTime}" does not exist on ${missing} in ${timeZone}, where the clocks go forward: ` +
      `EventBridge Scheduler would skip that night. Write "${instead}", for example.`,
  ];
}

function complete(values: Values, today: string): ExporterSettings {
  const { bots, account, scheduleTime, ...rest } = values;
  return {
    ...rest,
    source: bots ? { kind: "bots", botIds: bots } : { kind: "account" },
    scheduleTime: scheduleTime ?? firstTimeThatAlwaysExists(values.timeZone, today),
  };
}

/** By the same grammar as the exporter's own setting. */
function isPersonalDataRules(value: string): boolean {
  try {
    return readPersonalDataRules(value) !== null;
  } catch {
    return false;
  }
}

/** Plain http is for tests against this very machine; Kore's API is https. */
function isKoreHost(value: string): boolean {
  const url = URL.parse(value);
  if (!url || url.username || url.password || url.search || url.hash) return false;
  const loopback = /^(localhost|\[::1\]|127(\.\d{1,3}){3})$/.test(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && loopback);
}
