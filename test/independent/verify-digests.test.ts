import { createHash, createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { indexKey } from "../../functions/exporter/archive/layout.ts";
import { fingerprintOf, pemSigner } from "../../functions/exporter/archive/signing.ts";
import { OF_FILES } from "../support/corruptions/of-files.ts";
import { OF_ROWS } from "../support/corruptions/of-rows.ts";
import { OF_THE_CHAIN } from "../support/corruptions/of-the-chain.ts";
import { Forger } from "../support/forge.ts";
import { keyPair } from "../support/key-pair.ts";
import { commandLine, digestLines, makeSignedArchive, type SignedArchive } from "../support/signed-archive.ts";
import { problemsOf } from "./verify-digests.ts";

let made: SignedArchive;
let publicKey: string;
beforeAll(async () => {
  made = await makeSignedArchive();
  publicKey = readFileSync(made.publicKeyPath, "utf8");
});
afterAll(() => made.remove());

/** The examples of docs/digests.md, in their order. */
const examples = () =>
  [...readFileSync("docs/digests.md", "utf8").matchAll(/\n```\n([^`]+)```\n/g)].map(([, text = ""]) => text);

describe("a verifier that knows nothing but docs/digests.md", () => {
  test("finds the archive sound that runs left", () => {
    expect(problemsOf(made.archive, [publicKey], made.head)).toEqual([]);
  });

  test.each([...OF_FILES, ...OF_THE_CHAIN].map((corruption) => [corruption.what, corruption] as const))(
    "sees, as verify does, that %s",
    async (_, { how, trust = "key" }) => {
      const copy = await made.copy();
      await how(new Forger(copy), made);
      const key = trust === "key" ? [publicKey] : null;
      expect(problemsOf(copy, key, trust === "head" ? made.head : null)).not.toEqual([]);
    },
  );

  test.each(OF_ROWS.map((corruption) => [corruption.what, corruption] as const))(
    "knows nothing of rows: where the chain fits, it is content although %s",
    async (_, { how }) => {
      const copy = await made.copy();
      await how(new Forger(copy), made);
      expect(problemsOf(copy, null, null)).toEqual([]);
    },
  );
});

test("a month whose last line has no line feed is not what a run writes, to both verifiers", async () => {
  const forger = new Forger(await made.copy());
  const [month] = (await digestLines(forger.archive, 6)).digest.index;
  const body = gzipSync(gunzipSync(await forger.read(month.key)).subarray(0, -1));
  const sha256 = createHash("sha256").update(body).digest("hex");
  const other = { ...month, key: indexKey(month.month, sha256), sha256, bytes: body.length };
  await forger.write(other.key, body);
  await forger.appendDigest(pemSigner(Buffer.from(made.signingKey), "a key"), { index: [other] });
  expect(problemsOf(forger.archive, [publicKey], null)).not.toEqual([]);
  const { code, stdout } = await commandLine(["verify", "--archive", forger.archive, "--json"]);
  expect({ code, codes: codesIn(stdout) }).toEqual({ code: 3, codes: ["ERR_VERIFY_INDEX"] });
});

test("an archive is sound in which two people retired the same key, to both verifiers", async () => {
  const archive = await made.copy();
  const [one, other] = [await keyPair(dirname(archive), "one"), await keyPair(dirname(archive), "other")];
  const keyPaths = [made.publicKeyPath, one.publicPath, other.publicPath];
  const trusted = [publicKey, ...[one, other].map(({ publicPath }) => readFileSync(publicPath, "utf8"))];
  const KORE_TRUSTED_KEYS = trusted.map((pem) => fingerprintOf(createPublicKey(pem))).join(",");
  const args = ["verify", "--archive", archive, "--json", "--public-key", ...keyPaths];
  for (const { privatePath: KORE_SIGNING_KEY } of [one, other]) {
    const retire = ["--retire-key", "0".repeat(64), "--reference", "T-1"];
    const { code, stdout } = await commandLine([...args, ...retire], { KORE_SIGNING_KEY, KORE_TRUSTED_KEYS });
    expect({ code, codes: codesIn(stdout) }).toEqual({ code: 0, codes: [] });
    expect(problemsOf(archive, trusted, null)).toEqual([]);
  }
});

const codesIn = (stdout: string) => [...new Set(JSON.parse(stdout).findings.map(({ code }: { code: string }) => code))];

test("the example of docs/digests.md is sound, to both verifiers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kore-example-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [first = "", second = "", pem = ""] = examples();
  await mkdir(join(folder, "digests"));
  await writeFile(join(folder, "digests/00000001.json"), first);
  await writeFile(join(folder, "digests/00000002.json"), second);
  const fingerprint = fingerprintOf(createPublicKey(pem));
  await writeFile(join(folder, `digests/public-key-${fingerprint}.pem`), pem);
  const [, head = ""] =
    /The head of this chain is number 2, ([0-9a-f]{64})\./.exec(readFileSync("docs/digests.md", "utf8")) ?? [];
  expect(problemsOf(folder, [pem], head)).toEqual([]);
  const args = [
    "--archive",
    folder,
    "--public-key",
    join(folder, `digests/public-key-${fingerprint}.pem`),
    "--head",
    head,
  ];
  expect(await commandLine(["verify", ...args])).toMatchObject({ code: 0, stderr: "" });
});

test("an archive of version 1 is sound, to both verifiers", async () => {
  const [archive, key] = ["test/fixtures/version-1/archive", "test/fixtures/version-1/public-key.pem"];
  expect(problemsOf(archive, [readFileSync(key, "utf8")], null)).toEqual([]);
  const args = ["--archive", archive, "--public-key", key];
  expect(await commandLine(["verify", ...args])).toMatchObject({ code: 0, stderr: "" });
});
