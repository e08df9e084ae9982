import type { ErrorCode } from "../errors.ts";

/** What a verification can find. */
export type FindingCode = Extract<ErrorCode, `ERR_VERIFY_${string}`>;

/** Something that is not as runs left it. */
export interface Finding {
  readonly code: FindingCode;
  /** Key of the object that it is about; empty for the archive as a whole. */
  readonly key: string;
  /** What is wrong with it, in a sentence. */
  readonly message: string;
}

/** Takes findings in. */
export type Find = (code: FindingCode, key: string, message: string) => void;
