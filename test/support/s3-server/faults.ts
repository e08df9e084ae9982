import { ACTIONS, type Operation, S3Error, type S3Request } from "./protocol.ts";

/** Something that goes wrong on purpose. */
export interface Fault {
  /** Only this operation; without it, any. */
  readonly operation?: Operation;
  /** Only keys (of a listing: prefixes) that match; without it, any. */
  readonly key?: RegExp;
  /** How many requests it hits; 1 if not said. */
  readonly times?: number;
  readonly how:
    | { readonly answer: number; readonly code: string }
    /** The connection is cut: before the request takes effect, or after it did, so that only the answer is lost. */
    | "lost request"
    | "lost answer"
    /** One byte differs when it arrives. */
    | "corrupt request"
    | "corrupt answer"
    /** Only half of the answer's body arrives. */
    | "cut answer"
    /** Something in between answers with success and a body of its own, as a proxy's page does. */
    | { readonly body: string }
    /** The answer's text is changed on its way. */
    | { readonly rewrite: (body: string) => string }
    /** Another client acts between the request's arrival and its effect. */
    | { readonly meanwhile: () => unknown };
}

/** Forbids an action, as a policy does. */
export interface Denial {
  /** Such as `s3:PutObject`. */
  readonly action: string;
  readonly bucket?: string;
  /** Of the key, or of a listing's prefix. */
  readonly prefix?: string;
}

/** What a request wants to be allowed, in the terms of a policy. */
export interface Access {
  /** Such as `s3:PutObject`. */
  readonly action: string;
  readonly bucket: string;
  /** Empty for an action on the bucket. */
  readonly key: string;
  /** `s3:prefix`: of a listing, or the key that S3 takes for one where an object is missing. */
  readonly prefix: string;
}

/** True if a policy allows this. */
export type Policy = (access: Access) => boolean;

/** Headers that ask for more than the operation itself, with the action that allows it (API_PutObject, Permissions). */
const ACTIONS_OF_HEADERS: Readonly<Record<string, string>> = {
  "if-match": "s3:GetObject",
  "x-amz-object-lock-mode": "s3:PutObjectRetention",
  "x-amz-object-lock-retain-until-date": "s3:PutObjectRetention",
  "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
  "x-amz-bypass-governance-retention": "s3:BypassGovernanceRetention",
  "x-amz-tagging": "s3:PutObjectTagging",
  "x-amz-acl": "s3:PutObjectAcl",
};

const ACTIONS_ON_VERSIONS: Partial<Record<Operation, string>> = {
  GetObject: "s3:GetObjectVersion",
  HeadObject: "s3:GetObjectVersion",
  DeleteObject: "s3:DeleteObjectVersion",
};

/** Faults and denials in force. */
export class Trouble {
  private readonly faults: { fault: Fault; left: number }[] = [];
  private readonly denials = new Set<Denial>();
  private policy: Policy = () => true;

  /** Returns what ends the fault. */
  fail(fault: Fault): () => void {
    const entry = { fault, left: fault.times ?? 1 };
    this.faults.push(entry);
    return () => {
      entry.left = 0;
    };
  }

  /** Returns what lifts the denial. */
  deny(denial: Denial): () => void {
    this.denials.add(denial);
    return () => this.denials.delete(denial);
  }

  /** From now on only what the policy allows is allowed; returns what lifts it. */
  allowOnly(policy: Policy): () => void {
    this.policy = policy;
    return () => {
      this.policy = () => true;
    };
  }

  /** What goes wrong with this request, if anything; counts as one of its times. */
  next(request: S3Request): Fault["how"] | undefined {
    const entry = this.faults.find(({ fault, left }) => left > 0 && isFor(fault, request));
    if (entry) entry.left -= 1;
    return entry?.fault.how;
  }

  /** Throws 403 if the request needs an action that is denied. */
  authorize(request: S3Request): void {
    for (const action of actionsOf(request)) if (this.isDenied(action, request)) throw accessDenied(action);
  }

  /** Without the right to list, S3 does not tell whether an object exists. */
  hidesMissing(request: S3Request): boolean {
    return this.isDenied("s3:ListBucket", {
      ...request,
      key: "",
      query: new URLSearchParams({ prefix: nameOf(request) }),
    });
  }

  private isDenied(action: string, request: S3Request): boolean {
    const { bucket, key } = request;
    if (!this.policy({ action, bucket, key, prefix: nameOf(request) })) return true;
    return [...this.denials].some(
      (denial) =>
        denial.action === action &&
        (denial.bucket ?? bucket) === bucket &&
        nameOf(request).startsWith(denial.prefix ?? ""),
    );
  }
}

/** Every action that the request needs. */
function actionsOf({ operation, query, headers }: S3Request): string[] {
  const onVersion = query.has("versionId") ? ACTIONS_ON_VERSIONS[operation] : undefined;
  const ofHeaders = Object.entries(ACTIONS_OF_HEADERS).filter(([name]) => headers[name] !== undefined);
  return [onVersion ?? ACTIONS[operation], ...ofHeaders.map(([, action]) => action)];
}

export function accessDenied(action: string): S3Error {
  return new S3Error(
    403,
    "AccessDenied",
    `User: arn:aws:iam::000000000000:role/test is not authorized to perform: ${action}`,
  );
}

function isFor({ operation, key }: Fault, request: S3Request): boolean {
  return (operation ?? request.operation) === request.operation && (key?.test(nameOf(request)) ?? true);
}

function nameOf({ key, query }: S3Request): string {
  return key || (query.get("prefix") ?? "");
}
