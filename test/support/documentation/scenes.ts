import { readFileSync } from "node:fs";
import { blockAfter } from "./shell-blocks.ts";
import type { Exception } from "./workspace.ts";
import { NAMES, type World } from "./world.ts";

/** What is there before a document's first command. */
export interface Scene {
  readonly files: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  /** Commands of the shell that a reader of the document has run before. */
  readonly before: string;
}

/** Documents that set up the program themselves. */
const FROM_NOTHING = ["README.md", "docs/first-steps.md"];

const NEEDS_REGISTRY = "asks the package registry; every clone of the project runs it";
const NEEDS_ACCOUNT = "needs an AWS account; npm run test:deploy does it with an emulator";
const ASKS_A_PERSON: Exception = {
  command: "npm run -s kore-sessions -- init",
  because: "asks a person; test/e2e/init.test.ts answers it",
  instead:
    `KORE_CLIENT_SECRET=${NAMES.clientSecret} npm run -s kore-sessions -- init --yes ` +
    `--host ${NAMES.host} --bot ${NAMES.bot} --client-id ${NAMES.clientId} --archive ./archive`,
};

/** Every command of the documents that is not run as it is printed, by document. */
export const EXCEPTIONS: Readonly<Record<string, readonly Exception[]>> = {
  "README.md": [{ command: "npm ci", because: NEEDS_REGISTRY }, ASKS_A_PERSON],
  "docs/first-steps.md": [ASKS_A_PERSON],
  "docs/deploy.md": [
    { command: "npm ci", because: NEEDS_REGISTRY },
    { command: "npx cdk bootstrap", because: NEEDS_ACCOUNT },
    { command: "npx cdk deploy", because: NEEDS_ACCOUNT },
    {
      command:
        "aws athena start-query-execution --work-group KoreSessions --query-execution-context Database=kore_sessions " +
        "--query-string SELECT dt, containment_type, count(*) FROM sessions WHERE dt >= '2026-01-01' GROUP BY 1, 2 ORDER BY 1, 2",
      because: "needs Athena; npm run test:athena runs the query on Trino",
    },
    { command: "aws athena get-query-results --query-execution-id …", because: "needs Athena" },
    {
      command:
        "aws s3api list-object-versions --bucket BUCKET --max-items 1000 --output json " +
        "--query {Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}}",
      because: NEEDS_ACCOUNT,
    },
    {
      command: "aws s3api delete-objects --bucket BUCKET --bypass-governance-retention --delete file://versions.json",
      because: NEEDS_ACCOUNT,
    },
  ],
  "docs/retention.md": [
    {
      command:
        "aws s3api put-object-retention --bucket BUCKET --key KEY --version-id VERSION " +
        "--retention Mode=GOVERNANCE,RetainUntilDate=2033-01-01T00:00:00Z",
      because: NEEDS_ACCOUNT,
    },
    { command: "aws s3 sync s3://BUCKET ./archive-copy", because: NEEDS_ACCOUNT },
    {
      command: "npm run -s kore-sessions -- verify --archive ./archive-copy --public-key kore-public.der --head HASH",
      because: "HASH stands for one; docs/digests.md verifies with a key",
    },
  ],
  "docs/runbook.md": [
    {
      command:
        "aws lambda list-durable-executions-by-function --function-name NAME --statuses FAILED TIMED_OUT STOPPED",
      because: NEEDS_ACCOUNT,
    },
    {
      command: "aws lambda get-durable-execution-history --durable-execution-arn ARN",
      because: NEEDS_ACCOUNT,
    },
  ],
};

/** The scene of a document: settings in `.env`, if it does not write that file itself, and what it takes for given. */
export function sceneOf(document: string, world: World): Scene {
  const { files = {}, variables = {}, before = "" } = OWN_SCENES[document]?.(world) ?? {};
  const settings = FROM_NOTHING.includes(document) ? {} : { ".env": environmentFile(world) };
  return {
    files: { ...settings, ...files },
    variables: { AWS_ENDPOINT_URL_LAMBDA: world.lambdaUrl.thatWorks, ...variables },
    before,
  };
}

/** The stand-in's clock stands still, so that a command which waits for the quota would get ahead of it. */
const NO_QUOTA = { KORE_REQUESTS_PER_MINUTE: "0", KORE_REQUESTS_PER_HOUR: "0" };

const OWN_SCENES: Readonly<Record<string, (world: World) => Partial<Scene>>> = {
  "docs/first-steps.md": () => ({ files: { "secret.txt": NAMES.clientSecret } }),
  "docs/erasure.md": () => ({
    before: `KORE_ARCHIVE=s3://${NAMES.bucket} npm run -s kore-sessions -- export --from 2026-01-01 --to 2026-01-03`,
  }),
  "docs/doctor.md": ({ lambdaUrl }) => ({
    variables: { AWS_ENDPOINT_URL_LAMBDA: lambdaUrl.thatIsLookedAt },
    before: `KORE_ARCHIVE=s3://${NAMES.bucket} npm run -s kore-sessions -- export`,
  }),
  "docs/faq.md": () => ({ before: "npm run -s kore-sessions -- export --from 2026-01-02 --to 2026-01-03" }),
  "docs/personal-data.md": () => ({ variables: NO_QUOTA }),
  "docs/backfill.md": () => ({ variables: NO_QUOTA }),
  "docs/digests.md": () => ({ files: digestsOfTheExample() }),
};

function environmentFile({ koreUrl }: World): string {
  const { bot, clientId, clientSecret } = NAMES;
  const settings = {
    HOST: koreUrl,
    BOT_IDS: bot,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    ARCHIVE: "./archive",
  };
  return Object.entries(settings)
    .map(([name, value]) => `KORE_${name}=${value}\n`)
    .join("");
}

/** The files that docs/digests.md shows, so that the commands below them have something to check. */
function digestsOfTheExample(): Record<string, string> {
  const page = readFileSync("docs/digests.md", "utf8");
  return {
    "digests/00000001.json": blockAfter(page, "This is `digests/00000001.json`:"),
    "digests/00000002.json": blockAfter(page, "`digests/00000002.json`:\n"),
    "public.pem": blockAfter(page, "and the key, `public.pem`:"),
  };
}
