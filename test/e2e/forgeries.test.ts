import { readFileSync } from "node:fs";
import { cp, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pemSigner } from "../../functions/exporter/archive/signing.ts";
import { type ErasedArchive, makeErasedArchive } from "../fuzz/erased-archive.ts";
import { problemsOf } from "../independent/verify-digests.ts";
import type { StolenKeys } from "../support/corruptions/forgery.ts";
import { OF_KEYS } from "../support/corruptions/of-keys.ts";
import { OF_NAMES } from "../support/corruptions/of-names.ts";
import { OF_RECORDS } from "../support/corruptions/of-records.ts";
import { OF_THE_INDEX } from "../support/corruptions/of-the-index.ts";
import { Forger } from "../support/forge.ts";
import { type KeyPair, keyPair } from "../support/key-pair.ts";
import { commandLine } from "../support/signed-archive.ts";

let made: ErasedArchive;
let person: KeyPair;
let keys: StolenKeys;
beforeAll(async () => {
  made = await makeErasedArchive();
  person = await keyPair(made.scratch, "person");
  const signerOf = (path: string) => pemSigner(readFileSync(path), path);
  keys = { own: signerOf(join(made.scratch, "key.pem")), person: signerOf(person.privatePath) };
});
afterAll(() => made.remove());

/** What both verifiers say, who trust both keys and know the head. */
async function judged(archive: string) {
  const pems = [made.publicKey, readFileSync(person.publicPath, "utf8")];
  const args = ["--public-key", made.publicKeyPath, person.publicPath, "--head", made.head, "--json"];
  const { code, stdout, stderr } = await commandLine(["verify", "--archive", archive, ...args]);
  const findings: { code: string; key: string }[] = stdout === "" ? [] : JSON.parse(stdout).findings;
  return { code, stderr, findings, isSound: problemsOf(archive, pems, made.head).length === 0 };
}

async function copied(): Promise<Forger> {
  const copy = await mkdtemp(join(made.scratch, "copy-"));
  await cp(join(made.scratch, "archive"), copy, { recursive: true });
  return new Forger(copy);
}

test("the archive is sound, to both verifiers, and so it is with a digest more of the same key", async () => {
  const forger = await copied();
  expect(await judged(forger.archive)).toMatchObject({ code: 0, findings: [], isSound: true });
  await forger.appendDigest(keys.own);
  expect(await judged(forger.archive)).toMatchObject({ code: 0, findings: [], isSound: true });
});

describe("both verifiers see that", () => {
  const forgeries = [...OF_THE_INDEX, ...OF_RECORDS, ...OF_KEYS];
  test.each(forgeries.map((forgery) => [forgery.what, forgery] as const))("%s", async (_, { how, code }) => {
    const forger = await copied();
    await how(forger, keys);
    const result = await judged(forger.archive);
    expect(result).toMatchObject({ code: 3, stderr: "", isSound: false });
    expect(result.findings.map((finding) => finding.code)).toContain(code);
  });

  test.each(OF_NAMES.map((corruption) => [corruption.what, corruption] as const))(
    "%s",
    async (_, { how, code, key }) => {
      const forger = await copied();
      await how(forger, {} as never);
      const result = await judged(forger.archive);
      expect(result).toMatchObject({ code: 3, stderr: "", isSound: false });
      expect(result.findings).toContainEqual(expect.objectContaining({ code, key }));
    },
  );
});
