import { z } from "zod";
import { type Check, ok, problem, warning } from "./checks.ts";

/** What is looked at of a digest: enough to tell versions apart, also those that this program does not read. */
const firstLine = z.union([
  z.object({ version: z.literal(1) }),
  z.object({ version: z.literal(2), archive_id: z.string() }),
  z.object({ version: z.int().min(3) }),
]);

/** Of which version the newest digest is, by its file; nothing where there is none. */
export function checkDigests(file: Buffer | null): Check[] {
  if (file === null) return [];
  const digest = readFirstLine(file);
  if (digest === null) return [problem("digests", "The newest digest is damaged.")];
  if (digest.version === 1) {
    const says = "the newest digest is of version 1: the first run of this version writes version 2";
    const remedy = 'Bring laptops and operators\' policies up to date first: docs/deploy.md, "Upgrading".';
    return [warning("digests", says, remedy)];
  }
  if ("archive_id" in digest) return [ok("digests", `of version 2; the archive is ${digest.archive_id}`)];
  return [
    problem("digests", `The newest digest is of version ${digest.version}, of which this program knows nothing.`),
  ];
}

function readFirstLine(file: Buffer): z.infer<typeof firstLine> | null {
  const [line = ""] = file.toString("utf8").split("\n", 1);
  try {
    return firstLine.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
