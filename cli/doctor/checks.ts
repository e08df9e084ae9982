/** How the world has to be for an export, and how one thing of it is. */
export type CheckStatus = "ok" | "warning" | "problem" | "skipped";

/** Headings under which checks are told, in their order. */
export const GROUPS = ["This computer", "Kore", "Archive", "AWS"] as const;

interface CheckDefinition {
  readonly group: (typeof GROUPS)[number];
  readonly title: string;
  readonly asks: string;
  /** What a problem means. */
  readonly means: string;
  /** What to do about it, where nothing closer to the case is known. */
  readonly mend: string;
}

const API_SCOPE = "App Settings > Dev Tools > API Scope";

/**
 * Every check, in the order in which they are told. The table in docs/doctor.md is compared with this one.
 * Where to click: "Adding API Scopes" and "Creating and Managing JWT Apps" in Kore's API introduction.
 */
export const CHECKS = {
  node: {
    group: "This computer",
    title: "Node.js",
    asks: "Is this Node.js 24 or newer?",
    means: "The program runs on a version that it is not tested with.",
    mend: "Run `npm ci`, then `npm run -s kore-sessions -- …`: Node.js 24 comes with the packages.",
  },
  settings: {
    group: "This computer",
    title: "Settings",
    asks: "Can each setting be used?",
    means: "A setting is missing or wrong. Each has a line of its own; checks that need it are skipped.",
    mend: "Correct the setting that the line names; README.md lists them all.",
  },
  secret: {
    group: "Kore",
    title: "Secret",
    asks: "Are the client id and the client secret of each source there?",
    means: "The secret cannot be read, or does not hold them.",
    mend: 'Store {"clientId": "…", "clientSecret": "…"}, or one such object for each bot id with `default` for the rest.',
  },
  host: {
    group: "Kore",
    title: "Host",
    asks: "Does anything answer at `KORE_HOST`, over a safe connection?",
    means: "Nothing answers within 5 seconds, or the connection is not safe.",
    mend: "Check KORE_HOST and the network; behind a company's proxy, NODE_EXTRA_CA_CERTS names its certificate authority.",
  },
  clock: {
    group: "Kore",
    title: "Clock",
    asks: "Is this computer's clock within a minute of the host's, by the header `Date`?",
    means: "Kore can take a token for expired, or for not valid yet, and answers 401 then.",
    mend: "Let this computer set its clock by the network, such as with `sudo timedatectl set-ntp true`.",
  },
  token: {
    group: "Kore",
    title: "Token",
    asks: "Does Kore accept a token signed with the client secret?",
    means:
      "Kore answered 401 `Invalid SDK credentials` or `Invalid JWT token`: the credentials are not those of an app in this environment, or of no app for this bot.",
    mend: "Copy client id and secret again, without blanks: in Kore, App Settings > Dev Tools > Web/Mobile SDK, choose the app (for an account: Admin Console > Security & Control > API Scopes > Manage Apps). Check that it is the app of this bot, in the environment that KORE_HOST names.",
  },
  scope: {
    group: "Kore",
    title: "Scope",
    asks: "May the app read sessions?",
    means:
      "Kore answered 401 `Permission denied. Scope is incorrect!`: the app lacks the scope, or nobody published the bot since it was given.",
    mend: `In Kore, ${API_SCOPE}: choose the app, tick "Bot Sessions", save, and publish the bot: until then the scope does not count. For an account: Admin Console > Security & Control > API Scopes, tick "Bot Analytics > Bot Sessions", save.`,
  },
  bot: {
    group: "Kore",
    title: "Source",
    asks: "Does Kore answer for this source? A line for each bot, or one for the account.",
    means: "Kore does not know the bot, the app is not the bot's, or the answer cannot be used.",
    mend: "Copy the bot id from the bot's General Settings in Kore (st-…), and check that the app is that bot's.",
  },
  quota: {
    group: "Kore",
    title: "Quota",
    asks: "Did Kore answer every request without 429? It never tells how much of the quota is left.",
    means: "Kore answered 429: the requests of this minute or of this hour are used up.",
    mend: "Wait an hour at most. If it comes back, another program asks for the same bot: stop it, or set KORE_REQUESTS_PER_MINUTE and KORE_REQUESTS_PER_HOUR lower.",
  },
  "page-size": {
    group: "Kore",
    title: "Page size",
    asks: "Does Kore give as many sessions at once as `KORE_PAGE_SIZE` asks for?",
    means: "Kore gave fewer although it holds more. Nothing gets lost, but times told in advance are too short.",
    mend: "Set KORE_PAGE_SIZE to the number of sessions that Kore gave.",
  },
  "archive-read": {
    group: "Archive",
    title: "Readable",
    asks: "Can the archive's ledger be listed and read?",
    means: "The folder or the bucket does not answer, or forbids it.",
    mend: "Check KORE_ARCHIVE; for a bucket also AWS_REGION, the AWS credentials, s3:ListBucket, s3:GetObject and the use of its key.",
  },
  "archive-write": {
    group: "Archive",
    title: "Writable",
    asks: "Do the permissions of the archive's folder allow to write? Of a bucket only a write would tell: skipped.",
    means: "The next export could write nothing.",
    mend: "Give the user who exports the right to write there, free space on the disk, or choose another folder.",
  },
  "time-zone": {
    group: "Archive",
    title: "Time zone",
    asks: "Are the archive's days those of `KORE_TIME_ZONE`?",
    means: "The archive's days are those of another zone; an export would be refused.",
    mend: "Set KORE_TIME_ZONE to the zone of the archive, or use another archive.",
  },
  "personal-data": {
    group: "Archive",
    title: "Personal data",
    asks: "Is the key there that `KORE_PII` and earlier erasures need?",
    means: "The key of hashes is missing, or is not the one that users were erased with; an export would be refused.",
    mend: "Give the key as KORE_HASH_KEY, or as hashKey in the secret: docs/personal-data.md.",
  },
  digests: {
    group: "Archive",
    title: "Digests",
    asks: "Is the newest digest of the version that this program writes? Told once there is a digest.",
    means: "A warning: the next run writes version 2, which older programs refuse. A problem: it is damaged or newer.",
    mend: "Update this program; if its version is the newest, `kore-sessions verify` says what is wrong.",
  },
  "signing-key": {
    group: "Archive",
    title: "Signing key",
    asks: "Does the key of `KORE_SIGNING_KEY` sign? It signs a few bytes that are thrown away.",
    means: "Runs could not sign what they did; they would be refused.",
    mend: "Check KORE_SIGNING_KEY: an Ed25519 key in PEM outside the archive, or a KMS key with kms:Sign and kms:GetPublicKey.",
  },
  "last-run": {
    group: "Archive",
    title: "Last run",
    asks: "Did the last run leave its days, and the newest day of each source, complete or provisional?",
    means: "Days are incomplete or damaged, or the schedule is on and no run has ended for 26 hours.",
    mend: "`kore-sessions status` shows which days and why; `kore-sessions export --repair` exports them again.",
  },
  function: {
    group: "AWS",
    title: "Function",
    asks: "Is the function of `KORE_FUNCTION` there, and ready to be started?",
    means: "Lambda does not know it, may not be asked about it, or cannot start it.",
    mend: "Set KORE_FUNCTION (--function) to the deployment's output FunctionAlias; allow lambda:GetFunctionConfiguration.",
  },
  schedule: {
    group: "AWS",
    title: "Schedule",
    asks: "Does an enabled schedule of EventBridge start the function?",
    means: "Nothing starts the nightly run.",
    mend: "Deploy again with `npx cdk deploy`; allow scheduler:ListSchedules and scheduler:GetSchedule.",
  },
  tables: {
    group: "AWS",
    title: "Tables",
    asks: "Have the Glue tables the columns, partitions and places that this version archives?",
    means: "Athena would find nothing, or misread what it finds.",
    mend: "Deploy this version with `npx cdk deploy`; allow glue:GetTable. If somebody changed a table by hand, undo that.",
  },
} as const satisfies Record<string, CheckDefinition>;

export type CheckName = keyof typeof CHECKS;

/** What a check came to. */
export interface Check {
  readonly name: CheckName;
  /** The bot id, or `account`, of a check that there is one of for each source. */
  readonly source?: string;
  readonly status: CheckStatus;
  /** One sentence or two; never a secret. */
  readonly says: string;
  /** What to do; of problems and warnings only. */
  readonly remedy?: string;
}

/** All is well. */
export function ok(name: CheckName, says: string): Check {
  return { name, status: "ok", says };
}

/** An export would succeed, but there is something to do before it. */
export function warning(name: CheckName, says: string, remedy: string): Check {
  return { name, status: "warning", says, remedy };
}

/** Something is wrong. Without a remedy of its own, the check's general one. */
export function problem(name: CheckName, says: string, remedy: string = CHECKS[name].mend): Check {
  return { name, status: "problem", says, remedy };
}

/** Nothing can be said; `because` is the reason, as a sentence. */
export function skipped(name: CheckName, because: string): Check {
  return { name, status: "skipped", says: because };
}
