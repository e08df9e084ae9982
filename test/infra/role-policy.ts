import type { Access, Policy } from "../support/s3-server/faults.ts";
import { asList, type Json, readable, synthesise } from "./synthesise.ts";

/** Names of buckets, by the logical ids that they have in the template, without hash. */
export type BucketNames = Readonly<Record<"ArchiveBucket" | "ScratchBucket", string>>;

interface Statement {
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
  /** Patterns of `s3:prefix`; undefined if the statement has no condition. */
  readonly prefixes: readonly RegExp[] | undefined;
}

/**
 * What the exporter's role in the synthesised stack allows on S3, read as IAM reads it: nothing, but for what a statement
 * allows and none denies. Throws for a statement about S3 that it does not understand.
 */
export function policyOfExporter(names: BucketNames, settings: Record<string, unknown> = {}): Policy {
  const statements = synthesise(settings)
    .all("AWS::IAM::Policy")
    .filter(({ Properties }) =>
      Properties.Roles.some((role: Json) => readable(role).startsWith("{ExporterPermissions")),
    )
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .filter(({ Action }: Json) => asList(Action).some((action: string) => /^(s3:|\*)/.test(action)))
    .map((statement: Json) => readStatement(statement, names));
  return (access) => {
    const effects = statements.filter((statement) => isAbout(statement, access)).map(({ effect }) => effect);
    return effects.includes("Allow") && !effects.includes("Deny");
  };
}

function readStatement(statement: Json, names: BucketNames): Statement {
  const { Sid, Effect, Action, Resource, Condition, ...more } = statement;
  const { StringLike, ...conditions } = Condition ?? {};
  const { "s3:prefix": prefixes, ...others } = StringLike ?? {};
  if (Object.keys({ ...more, ...conditions, ...others }).length > 0) throw new Error(`statement ${Sid} has more in it`);
  return {
    effect: Effect,
    actions: asList(Action).map(pattern),
    resources: asList(Resource).map((resource) => pattern(arnOf(readable(resource), names))),
    prefixes: prefixes && asList(prefixes).map(pattern),
  };
}

/** `{ArchiveBucket.Arn}/sessions/*` with the bucket's name in it. */
function arnOf(resource: string, names: BucketNames): string {
  return Object.entries(names).reduce(
    (arn, [id, name]) => arn.replace(`{${id}.Arn}`, `arn:aws:s3:::${name}`),
    resource,
  );
}

/** `*` is any run of characters, `?` is one. */
function pattern(text: string): RegExp {
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s");
}

function isAbout({ actions, resources, prefixes }: Statement, { action, bucket, key, prefix }: Access): boolean {
  const arn = `arn:aws:s3:::${bucket}${key === "" ? "" : `/${key}`}`;
  const matches = (patterns: readonly RegExp[], text: string) => patterns.some((candidate) => candidate.test(text));
  return matches(actions, action) && matches(resources, arn) && (prefixes === undefined || matches(prefixes, prefix));
}
