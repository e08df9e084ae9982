import { ERRORS } from "../../functions/exporter/errors.ts";
import type { Trust } from "../../functions/exporter/verify/chain.ts";
import type { Finding } from "../../functions/exporter/verify/finding.ts";
import type { Verification } from "../../functions/exporter/verify/verify-archive.ts";
import { counted, size } from "../amounts.ts";

/** So many findings of a kind, or days, are named to people; `--json` has all. */
const NAMED = 20;

/** What was checked, what was found, and the head of the chain. */
export function verificationText(result: Verification, location: string, trust: Trust): string {
  const { digests, days, files, rows, bytes } = result.checked;
  const counts = [
    counted(digests, "digest"),
    counted(days, "day"),
    counted(files, "file"),
    counted(rows, "session"),
    size(bytes),
  ];
  return [
    `Checked ${location}: ${counts.join(", ")}.\n`,
    signaturesLine(result),
    versionsLine(result),
    result.isRootListed ? "" : "Names beside the archive's own folders: NOT looked at, since they may not be listed.\n",
    endLine(result, trust),
    adoptedLines(result),
    findingLines(result.findings),
    result.archiveId === null ? "" : `archive ${result.archiveId}\n`,
    result.head === null ? "" : `digest ${result.head.number}: ${result.head.sha256}\n`,
  ].join("");
}

/** The same for programs, with every finding. */
export function verificationJson(result: Verification): object {
  const { archiveId, checked, findings, signed, versions, isRootListed, head, adopted } = result;
  const looked = { checked, signed_digests: signed, versions, root_listed: isRootListed };
  return { ok: findings.length === 0, archive_id: archiveId, ...looked, head, findings, adopted };
}

function signaturesLine({ signed, checked }: Verification): string {
  if (signed !== null) return `Digests signed with a key you trust: ${signed} of ${checked.digests}.\n`;
  return (
    "Signatures: NOT checked. Without --public-key, whoever can write to the archive can also write digests that fit " +
    "what they changed; only a hash that a run told (--head) shows that.\n"
  );
}

function versionsLine({ versions }: Verification): string {
  if (versions === "none") return "";
  if (versions === "checked") return "Versions: every version that the bucket keeps was checked.\n";
  return "Versions: NOT checked, since s3:ListBucketVersions on the bucket is not allowed.\n";
}

/** What cannot be seen from the archive alone. */
function endLine({ archiveId }: Verification, trust: Trust): string {
  if (trust.head !== null) return "";
  const replaced = archiveId === null || trust.archiveId === null;
  const other = replaced ? ", or another archive put in this one's place (--archive-id)" : "";
  return `The chain's end: NOT checked. The newest digests could have been cut off${other}; --head and a hash that a run told show that.\n`;
}

function adoptedLines({ adopted }: Verification): string {
  if (adopted.length === 0) return "";
  const lines = adopted.slice(0, NAMED).map(({ dt, source, digest, reason, accepted }) => {
    const by = accepted === null ? "" : ` Accepted by ${accepted.actor}, ${accepted.reference}.`;
    return `  ${printable(`${dt} ${source} (digest ${digest})${reason === null ? "" : `: ${reason}`}${by}`)}\n`;
  });
  const title = "Days that were vouched for by a later run than the one that wrote them:\n";
  return `${title}${lines.join("")}${moreThan(adopted.length)}`;
}

function findingLines(findings: readonly Finding[]): string {
  if (findings.length === 0) return "Nothing was changed, removed or slipped in.\n";
  const groups = Map.groupBy(findings, ({ code }) => code);
  const blocks = [...groups].map(([code, group]) => {
    const lines = group.slice(0, NAMED).map(({ key, message }) => `  ${printable(`${key} ${message}`.trim())}\n`);
    return `${code}: ${ERRORS[code].meaning}\n${lines.join("")}${moreThan(group.length)}`;
  });
  return `${counted(findings.length, "finding")}:\n${blocks.join("")}`;
}

function moreThan(count: number): string {
  return count > NAMED ? `  and ${count - NAMED} more; --json names all\n` : "";
}

/** Names of files that somebody slipped in must not steer the reader's terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (control) => JSON.stringify(control).slice(1, -1));
}
