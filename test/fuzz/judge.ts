import { problemsOf } from "../independent/verify-digests.ts";
import { commandLine } from "../support/signed-archive.ts";

/** What somebody who judges an archive brings along. */
export interface Brought {
  readonly publicKey: string;
  readonly publicKeyPath: string;
  readonly head: string;
}

/** Returns what a judge finds in a folder, nothing if the archive is sound; rejects if it comes to no judgement. */
export type Judge = (folder: string, brought: Brought) => Promise<readonly string[]>;

/** A verification that takes longer hangs: one takes a tenth of a second. */
const HANGS_AFTER_MS = 60_000;

/** Returns the codes of what `verify` finds. */
const byVerify: Judge = async (folder, { publicKeyPath, head }) => {
  const args = ["verify", "--archive", folder, "--public-key", publicKeyPath, "--head", head, "--json"];
  const { code, stdout, stderr } = await commandLine(args, {}, AbortSignal.timeout(HANGS_AFTER_MS));
  if (code !== 0 && code !== 3) throw new Error(`verify ended with exit code ${code}: ${stdout}${stderr}`);
  const found: readonly { readonly code: string }[] = JSON.parse(stdout).findings;
  const codes = [...new Set(found.map((finding) => finding.code))];
  const isTold = (code === 3) === codes.length > 0 && codes.every((one) => one.startsWith("ERR_VERIFY_"));
  if (!isTold) throw new Error(`verify ended with exit code ${code}, and found ${codes.join(", ") || "nothing"}`);
  return codes;
};

/** Returns that the second verifier finds something. */
const byTheOther: Judge = async (folder, { publicKey, head }) =>
  problemsOf(folder, [publicKey], head)
    .slice(0, 1)
    .map(() => "a problem");

/** Names those who judge each change. */
export const JUDGES: Readonly<Record<string, Judge>> = { verify: byVerify, "the second verifier": byTheOther };
