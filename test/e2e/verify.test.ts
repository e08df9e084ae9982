import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Corruption } from "../support/corruptions/corruption.ts";
import { OF_FILES } from "../support/corruptions/of-files.ts";
import { OF_ROWS } from "../support/corruptions/of-rows.ts";
import { OF_THE_CHAIN } from "../support/corruptions/of-the-chain.ts";
import { Forger } from "../support/forge.ts";
import { commandLine, DAYS, makeSignedArchive, type SignedArchive } from "../support/signed-archive.ts";

interface Found {
  readonly code: string;
  readonly key: string;
  readonly message: string;
}

interface Verified {
  readonly code: number;
  readonly ok: boolean;
  readonly found: readonly Found[];
  readonly checked: object;
  readonly signed_digests: number | null;
  readonly head: object | null;
}

let made: SignedArchive;
beforeAll(async () => {
  made = await makeSignedArchive();
});
afterAll(() => made.remove());

async function verify(archive: string, trust: Corruption["trust"] = "key"): Promise<Verified> {
  const options = { key: ["--public-key", made.publicKeyPath], head: ["--head", made.head], nothing: [] }[trust];
  const { code, stdout, stderr } = await commandLine(["verify", "--archive", archive, "--json", ...options]);
  expect(stderr).toBe("");
  const document = JSON.parse(stdout);
  const found: Found[] = document.findings;
  return { ...document, code, found };
}

describe("an archive as its runs left it", () => {
  test.each(["key", "head", "nothing"] as const)("passes, with %s brought along", async (trust) => {
    const { code, ok, found, checked, signed_digests, head } = await verify(made.archive, trust);
    expect(found).toEqual([]);
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect(checked).toMatchObject({ digests: 6, days: 4, files: 13, rows: 4 * 30 + 1 });
    expect(signed_digests).toBe(trust === "key" ? 6 : null);
    expect(head).toEqual({ number: 6, sha256: made.head });
  });

  test("is told to people in a few lines", async () => {
    const { stdout } = await commandLine(["verify", "--archive", made.archive, "--public-key", made.publicKeyPath]);
    expect(stdout).toMatch(/^Checked .*: 6 digests, 4 days, 13 files, 121 sessions, \d+ kB\.\n/);
    expect(stdout).toContain("Digests signed with a key you trust: 6 of 6.\n");
    expect(stdout).toContain("Nothing was changed, removed or slipped in.\n");
    expect(stdout).toMatch(new RegExp(`\ndigest 6: ${made.head}\n$`));
  });

  test("says clearly that signatures were not checked without a key", async () => {
    const { stdout, code } = await commandLine(["verify", "--archive", made.archive]);
    expect(code).toBe(0);
    expect(stdout).toContain("Signatures: NOT checked.");
  });

  test("is not changed by being verified", async () => {
    const copy = await made.copy();
    const before = await new Forger(copy).read(`exports/dt=${DAYS[0]}/st-support-0001.json`);
    await verify(copy);
    expect(await new Forger(copy).read(`exports/dt=${DAYS[0]}/st-support-0001.json`)).toEqual(before);
  });
});

describe.each([
  ["files and ledger", OF_FILES],
  ["the chain", OF_THE_CHAIN],
  ["rows, where all hashes were made to fit", OF_ROWS],
])("in %s, verify finds that", (_, corruptions) => {
  test.each(corruptions.map((corruption) => [corruption.what, corruption] as const))(
    "%s",
    async (_what, corruption) => {
      const copy = await made.copy();
      await corruption.how(new Forger(copy), made);
      const { code, ok, found } = await verify(copy, corruption.trust);
      const named = found.filter((finding) => finding.code === corruption.code);
      expect(named, JSON.stringify(found)).not.toEqual([]);
      if (corruption.key !== undefined) expect(named.map(({ key }) => key)).toContain(corruption.key);
      expect({ code, ok }).toEqual({ code: 3, ok: false });
    },
  );
});

test("each code that a verification of a folder can find is found by one of them", () => {
  const found = new Set([...OF_FILES, ...OF_THE_CHAIN, ...OF_ROWS].map(({ code }) => code));
  expect(found.size).toBe(22);
});
