import type { ReadDigest } from "../../functions/exporter/archive/digest.ts";
import { type Check, ok, problem, warning } from "./checks.ts";

/** Tells of which version the newest digest is; nothing where there is none. */
export function checkDigests(newest: ReadDigest | null): Check[] {
  switch (newest?.kind) {
    case undefined:
      return [];
    case "damaged":
      return [problem("digests", "The newest digest is damaged.")];
    case "newer":
      return [
        problem("digests", `The newest digest is of version ${newest.version}, of which this program knows nothing.`),
      ];
    case "digest": {
      const { archive_id: id } = newest.digest;
      if (id !== null) return [ok("digests", `of version 2; the archive is ${id}`)];
      const says = "the newest digest is of version 1: the first run of this version writes version 2";
      const remedy = 'Bring laptops and operators\' policies up to date first: docs/deploy.md, "Upgrading".';
      return [warning("digests", says, remedy)];
    }
  }
}
