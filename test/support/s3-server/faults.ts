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

/** Faults and denials in force. */
export class Trouble {
  private readonly faults: { fault: Fault; left: number }[] = [];
  private readonly denials = new Set<Denial>();

  fail(fault: Fault): void {
    this.faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Returns what lifts the denial. */
  deny(denial: Denial): () => void {
    this.denials.add(denial);
    return () => this.denials.delete(denial);
  }

  /** What goes wrong with this request, if anything; counts as one of its times. */
  next(request: S3Request): Fault["how"] | undefined {
    const entry = this.faults.find(({ fault, left }) => left > 0 && isFor(fault, request));
    if (entry) entry.left -= 1;
    return entry?.fault.how;
  }

  /** Throws 403 if the request needs an action that is denied. */
  authorize(request: S3Request): void {
    const needed = [ACTIONS[request.operation]];
    if (request.operation === "DeleteObject" && request.query.has("versionId")) needed[0] = "s3:DeleteObjectVersion";
    if (request.headers["if-match"] !== undefined) needed.push("s3:GetObject");
    for (const action of needed) if (this.isDenied(action, request)) throw accessDenied(action);
  }

  /** Without the right to list, S3 does not tell whether an object exists. */
  hidesMissing(request: S3Request): boolean {
    return this.isDenied("s3:ListBucket", request);
  }

  private isDenied(action: string, request: S3Request): boolean {
    return [...this.denials].some(
      (denial) =>
        denial.action === action &&
        (denial.bucket ?? request.bucket) === request.bucket &&
        nameOf(request).startsWith(denial.prefix ?? ""),
    );
  }
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
