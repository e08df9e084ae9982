import { digestKey, ledgerKey } from "../../../functions/exporter/archive/layout.ts";
import { fingerprintOf, pemSigner } from "../../../functions/exporter/archive/signing.ts";
import { type Forger, impostor, sha256 } from "../forge.ts";
import { OTHER_BOT, type SignedArchive } from "../signed-archive.ts";
import { AGENT, type Corruption, FIRST } from "./corruption.ts";

const edited = (number: number) => (f: Forger) => f.replace(digestKey(number), /"run_id":"[^"]*"/, '"run_id":"nobody"');
const signer = (pem: string) => pemSigner(Buffer.from(pem), "a key");

/** Done to the chain itself. */
export const OF_THE_CHAIN: readonly Corruption[] = [
  {
    what: "the first digest is removed",
    how: (f) => f.remove(digestKey(1)),
    code: "ERR_VERIFY_DIGEST_MISSING",
    key: digestKey(1),
  },
  {
    what: "a digest between is removed",
    how: (f) => f.remove(digestKey(3)),
    code: "ERR_VERIFY_DIGEST_MISSING",
    key: digestKey(3),
  },
  {
    what: "several digests in a row are removed",
    how: (f) => f.remove(digestKey(2), digestKey(3), digestKey(4)),
    code: "ERR_VERIFY_DIGEST_MISSING",
    key: digestKey(2),
  },
  {
    what: "the newest digest, an empty one, is removed",
    how: (f) => f.remove(digestKey(6)),
    code: "ERR_VERIFY_HEAD_MISSING",
    trust: "head",
  },
  {
    what: "the newest digests are removed",
    how: (f) => f.remove(digestKey(5), digestKey(6)),
    code: "ERR_VERIFY_HEAD_MISSING",
    trust: "head",
  },
  {
    what: "the newest digests are removed, seen from their day",
    how: (f) => f.remove(digestKey(5), digestKey(6)),
    code: "ERR_VERIFY_NOT_VOUCHED",
    key: ledgerKey(FIRST, OTHER_BOT),
  },
  { what: "all digests are removed", how: (f) => f.remove("digests"), code: "ERR_VERIFY_DIGEST_MISSING" },
  {
    what: "a digest between is edited",
    how: edited(3),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(3),
    trust: "nothing",
  },
  {
    what: "a digest between is edited, seen from its signature",
    how: edited(3),
    code: "ERR_VERIFY_SIGNATURE_WRONG",
    key: digestKey(3),
  },
  { what: "the newest digest is edited", how: edited(6), code: "ERR_VERIFY_SIGNATURE_WRONG", key: digestKey(6) },
  {
    what: "the newest digest is edited, seen without its key",
    how: edited(6),
    code: "ERR_VERIFY_HEAD_MISSING",
    trust: "head",
  },
  {
    what: "a digest is written with blanks",
    how: (f) => f.replace(digestKey(6), '{"version":2', '{ "version": 2'),
    code: "ERR_VERIFY_SIGNATURE_WRONG",
    key: digestKey(6),
  },
  {
    what: "a digest is cut off",
    how: (f) => f.edit(digestKey(6), (bytes) => bytes.subarray(0, -20)),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(6),
  },
  {
    what: "a digest loses its second line",
    how: (f) => f.replace(digestKey(6), /\n.*\n$/, "\n"),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(6),
  },
  {
    what: "a digest is no JSON",
    how: (f) => f.write(digestKey(6), "none\nnull\n"),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(6),
  },
  {
    what: "a digest says to be of a later version",
    how: (f) => f.replace(digestKey(6), '"version":2', '"version":3'),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(6),
  },
  {
    what: "two digests are swapped",
    how: (f) => f.swap(digestKey(3), digestKey(4)),
    code: "ERR_VERIFY_DIGEST_ORDER",
    key: digestKey(3),
  },
  {
    what: "a digest is removed, and the next ones moved up",
    how: async (f) => {
      for (const number of [3, 4, 5]) await f.move(digestKey(number + 1), digestKey(number));
    },
    code: "ERR_VERIFY_DIGEST_ORDER",
    key: digestKey(3),
  },
  {
    what: "the first digest is removed, and the others moved up",
    how: async (f) => {
      for (const number of [1, 2, 3, 4, 5]) await f.move(digestKey(number + 1), digestKey(number));
    },
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(1),
  },
  {
    what: "a signature is taken away",
    how: (f) => f.editSignature(6, () => null),
    code: "ERR_VERIFY_SIGNATURE_MISSING",
    key: digestKey(6),
  },
  {
    what: "a signature is another digest's",
    how: async (f) => {
      const [, line = ""] = String(await f.read(digestKey(5))).split("\n");
      await f.editSignature(6, () => JSON.parse(line));
    },
    code: "ERR_VERIFY_SIGNATURE_WRONG",
    key: digestKey(6),
  },
  {
    what: "a signature is empty",
    how: (f) => f.editSignature(6, (signature) => ({ ...signature, signature: "" })),
    code: "ERR_VERIFY_SIGNATURE_WRONG",
    key: digestKey(6),
  },
  {
    what: "a signature names another algorithm",
    how: (f) => f.editSignature(6, (signature) => ({ ...signature, algorithm: "ecdsa-p256-sha256" })),
    code: "ERR_VERIFY_SIGNATURE_WRONG",
    key: digestKey(6),
  },
  {
    what: "a signature names an unknown algorithm",
    how: (f) => f.editSignature(6, (signature) => ({ ...signature, algorithm: "none" })),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(6),
  },
  {
    what: "a signature has a blank more",
    how: (f) => f.editSignature(6, (signature) => ({ ...signature, signature: `${signature.signature} ` })),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(6),
  },
  {
    what: "a signature is another piece of JSON, seen without its key",
    how: (f) => f.editSignature(6, () => ({})),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(6),
    trust: "nothing",
  },
  {
    what: "a digest does not say which run wrote it, and is signed with the true key",
    how: (f, made) => f.appendDigest(signer(made.signingKey), { run_id: undefined as never }),
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(7),
  },
  {
    what: "a digest without signature is appended",
    how: (f) => f.appendDigest(null),
    code: "ERR_VERIFY_SIGNATURE_MISSING",
    key: digestKey(7),
  },
  {
    what: "a digest is appended with a forger's key",
    how: (f, { forgersKey }) => f.appendDigest(signer(forgersKey)),
    code: "ERR_VERIFY_KEY_UNKNOWN",
    key: digestKey(7),
  },
  {
    what: "a forger's key goes by the name of the true one",
    how: (f, made) => f.appendDigest(impostor(made.forgersKey, fingerprintOf(signer(made.signingKey).publicKey))),
    code: "ERR_VERIFY_SIGNATURE_WRONG",
    key: digestKey(7),
  },
  {
    what: "the chain is written anew with a forger's key",
    how: (f, { forgersKey }) => f.rebuildChain(signer(forgersKey)),
    code: "ERR_VERIFY_KEY_UNKNOWN",
    key: digestKey(1),
  },
  {
    what: "the chain is written anew without signature",
    how: (f) => f.rebuildChain(),
    code: "ERR_VERIFY_SIGNATURE_MISSING",
    key: digestKey(1),
  },
  {
    what: "file, ledger and chain are made to fit",
    how: async (f) => {
      await f.remove(AGENT);
      await f.rebuildChain();
    },
    code: "ERR_VERIFY_HEAD_MISSING",
    trust: "head",
  },
  {
    what: "the first digest names one before it",
    how: async (f) => {
      await f.rebuildChain();
      await f.remove(digestKey(1));
      await f.appendDigest(null, { previous_sha256: sha256(Buffer.from("x")) });
    },
    code: "ERR_VERIFY_DIGEST_CHANGED",
    key: digestKey(1),
    trust: "nothing",
  },
  {
    what: "the public key beside the digests is replaced",
    how: async (f, made) =>
      f.write(await keyBeside(made), signer(made.forgersKey).publicKey.export({ type: "spki", format: "pem" })),
    code: "ERR_VERIFY_FILE_CHANGED",
  },
  {
    what: "the public key beside the digests is spelt in another way",
    how: async (f, made) => f.replace(await keyBeside(made), "=\n", "\n"),
    code: "ERR_VERIFY_FILE_CHANGED",
  },
  {
    what: "something else is slipped in among digests",
    how: (f) => f.write("digests/0007.json", "{}"),
    code: "ERR_VERIFY_FILE_ADDED",
    key: "digests/0007.json",
  },
];

async function keyBeside({ signingKey }: SignedArchive): Promise<string> {
  return `digests/public-key-${fingerprintOf(signer(signingKey).publicKey)}.pem`;
}
