import { ACCOUNT_SOURCE } from "../../functions/exporter/contract.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { type Environment, readSettings, value } from "../../functions/exporter/settings.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo } from "../io.ts";
import type { InitOptions } from "./options.ts";
import type { Question, Questions } from "./questions.ts";
import { readSecret } from "./read-secret.ts";

/** The variables that are asked for, in the order of the questions. */
const ASKED = [
  "KORE_HOST",
  "KORE_BOT_IDS",
  "KORE_ACCOUNT",
  "KORE_CLIENT_ID",
  "KORE_CLIENT_SECRET",
  "KORE_SECRET_ID",
  "KORE_ARCHIVE",
  "KORE_TIME_ZONE",
  "KORE_START_DATE",
] as const;

/** A value for each of them; undefined: it is not to be set. */
export type Answers = Readonly<Record<(typeof ASKED)[number], string | undefined>>;

const CREDENTIALS = ["KORE_CLIENT_ID", "KORE_CLIENT_SECRET", "KORE_SECRET_ID"] as const;

/** Settings that are right, so that each of them can be tried by itself. */
const SAMPLE: Environment = {
  KORE_HOST: "https://platform.kore.ai",
  KORE_BOT_IDS: "st-1",
  KORE_CLIENT_ID: "cs-1",
  KORE_CLIENT_SECRET: "secret",
  KORE_ARCHIVE: "./archive",
};

/**
 * What is known without asking: flags win over the environment, which has what `.env` says. A secret is read from stdin
 * if `--client-secret-stdin` says so. Throws `SettingsError`.
 */
export async function knownAnswers(options: InitOptions, io: CommandIo): Promise<Answers> {
  const secret = options.clientSecretStdin ? await interruptible(readSecret(io), io.signal) : undefined;
  const flags = [...sourceFlags(options), ...credentialFlags(options, secret), ...otherFlags(options)];
  const env = { ...io.env, ...Object.fromEntries(flags) };
  const known = Object.fromEntries(ASKED.map((name) => [name, value(env, name)])) as Record<keyof Answers, string>;
  return { ...known, KORE_ARCHIVE: known.KORE_ARCHIVE ?? "./archive", KORE_TIME_ZONE: known.KORE_TIME_ZONE ?? "UTC" };
}

type Flags = readonly (readonly [keyof Answers, string | undefined])[];

/** Bots and account take each other's place. */
function sourceFlags({ bot, account }: InitOptions): Flags {
  if (bot === undefined && account === undefined) return [];
  return [
    ["KORE_BOT_IDS", bot?.join(",")],
    ["KORE_ACCOUNT", account ? "true" : undefined],
  ];
}

/** So do a client id or its secret, and the name of a secret that holds both. */
function credentialFlags({ clientId, secretId }: InitOptions, secret: string | undefined): Flags {
  if (clientId === undefined && secret === undefined) {
    return secretId === undefined
      ? []
      : CREDENTIALS.map((name) => [name, name === "KORE_SECRET_ID" ? secretId : undefined]);
  }
  return [
    ["KORE_SECRET_ID", secretId],
    ...(clientId === undefined ? [] : [["KORE_CLIENT_ID", clientId] as const]),
    ...(secret === undefined ? [] : [["KORE_CLIENT_SECRET", secret] as const]),
  ];
}

function otherFlags({ host, archive, timeZone, startDate }: InitOptions): Flags {
  const given: Flags = [
    ["KORE_HOST", host],
    ["KORE_ARCHIVE", archive],
    ["KORE_TIME_ZONE", timeZone],
    ["KORE_START_DATE", startDate],
  ];
  return given.filter(([, text]) => text !== undefined);
}

/** Asks for everything that no flag gave; what is known already is what Enter alone answers. */
export async function askAnswers(known: Answers, options: InitOptions, questions: Questions): Promise<Answers> {
  const ask = (name: keyof Answers, message: string, flag: string | undefined, fallback = known[name]) =>
    flag === undefined ? questions.text(questionOf(name, message, fallback)) : Promise.resolve(known[name]);
  const { host, clientId, archive, timeZone, startDate } = options;
  const asked = {
    KORE_HOST: await ask("KORE_HOST", "Address of your Kore environment", host, known.KORE_HOST ?? SAMPLE.KORE_HOST),
    ...(await askSource(known, options, questions)),
    ...(known.KORE_SECRET_ID === undefined && {
      KORE_CLIENT_ID: await ask("KORE_CLIENT_ID", "Client id of the app made in Kore (cs-…)", clientId),
      KORE_CLIENT_SECRET: await askSecret(known, questions),
    }),
    KORE_ARCHIVE: await ask("KORE_ARCHIVE", "Archive: a folder, or s3://bucket/prefix", archive),
    KORE_TIME_ZONE: await ask("KORE_TIME_ZONE", "Time zone of its days, which cannot change later", timeZone),
    KORE_START_DATE: await ask("KORE_START_DATE", "First day, yyyy-mm-dd (empty: the look-back decides)", startDate),
  };
  return withoutBlanks({ ...known, ...asked });
}

/** One question for both: no bot can have the id `account`. */
async function askSource(
  known: Answers,
  { bot, account }: InitOptions,
  questions: Questions,
): Promise<Partial<Answers>> {
  if (bot !== undefined || account !== undefined) return {};
  const message = `Bots: their ids with commas, or ${ACCOUNT_SOURCE} for all of them`;
  const fallback = known.KORE_ACCOUNT === "true" ? ACCOUNT_SOURCE : known.KORE_BOT_IDS;
  const sourceOf = (answer: string) =>
    answer.trim() === ACCOUNT_SOURCE
      ? { KORE_BOT_IDS: undefined, KORE_ACCOUNT: "true" }
      : { KORE_BOT_IDS: answer, KORE_ACCOUNT: undefined };
  return sourceOf(await questions.text({ message, fallback, problem: (answer) => problemOf(sourceOf(answer)) }));
}

function askSecret(known: Answers, questions: Questions): Promise<string> {
  const keep = known.KORE_CLIENT_SECRET === undefined ? "" : " (empty: as it is)";
  return questions.secret({
    message: `Client secret of that app${keep}`,
    fallback: known.KORE_CLIENT_SECRET,
    problem: (answer) => problemOf({ KORE_CLIENT_SECRET: answer }),
  });
}

function questionOf(name: keyof Answers, message: string, fallback: string | undefined): Question {
  return { message, fallback, problem: (answer) => problemOf({ [name]: answer }) };
}

/** The first sentence about a setting that is wrong by itself. */
function problemOf(setting: Environment): string | null {
  try {
    readSettings({ ...SAMPLE, ...setting });
    return null;
  } catch (error) {
    if (error instanceof SettingsError) return error.problems[0] ?? null;
    throw error;
  }
}

function withoutBlanks(answers: Answers): Answers {
  return Object.fromEntries(ASKED.map((name) => [name, value(answers, name)])) as Record<keyof Answers, string>;
}
