import type { Stray } from "../archive/listing.ts";
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

/** Returns what takes a name that is no object of the archive as something that was added. */
export function addedTo(find: Find): (stray: Stray) => void {
  return ({ name, why }) => find("ERR_VERIFY_FILE_ADDED", name, `${why}: nothing reads it.`);
}
