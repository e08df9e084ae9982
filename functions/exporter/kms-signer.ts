import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { GetPublicKeyCommand, KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { algorithmOf, fingerprintOf, type Signer } from "./archive/signing.ts";
import { SMALL_REQUESTS } from "./aws-requests.ts";
import { ExporterError } from "./errors.ts";

/**
 * A signer with a key of AWS KMS (ECC_NIST_P256, for signing); `keyArn` is a key's or an alias's. The private key never
 * leaves KMS: what is signed there is the SHA-256 of a digest. Credentials and endpoint are those the AWS SDK finds.
 *
 * Needs kms:GetPublicKey and kms:Sign. Throws `ERR_SIGNING_KEY`
 * (https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html).
 */
export async function kmsSigner(keyArn: string): Promise<Signer> {
  const region = keyArn.split(":")[3] ?? "";
  const client = new KMSClient({ region, requestHandler: SMALL_REQUESTS });
  const publicKey = await readPublicKey(client, keyArn);
  return {
    algorithm: "ecdsa-p256-sha256",
    publicKey,
    fingerprint: fingerprintOf(publicKey),
    sign: (message) =>
      orUnusable("kms:Sign", keyArn, async () => {
        const Message = createHash("sha256").update(message).digest();
        const how = { MessageType: "DIGEST", SigningAlgorithm: "ECDSA_SHA_256" } as const;
        const { Signature } = await client.send(new SignCommand({ KeyId: keyArn, Message, ...how }));
        if (Signature === undefined) throw new Error("the answer has no signature");
        return Buffer.from(Signature);
      }),
  };
}

function readPublicKey(client: KMSClient, keyArn: string): Promise<KeyObject> {
  return orUnusable("kms:GetPublicKey", keyArn, async () => {
    const { PublicKey = new Uint8Array(), KeySpec } = await client.send(new GetPublicKeyCommand({ KeyId: keyArn }));
    const key = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    if (algorithmOf(key) === "ecdsa-p256-sha256") return key;
    throw new Error(`its key spec is ${KeySpec}, and has to be ECC_NIST_P256`);
  });
}

async function orUnusable<T>(action: string, keyArn: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    const help = `Check KORE_SIGNING_KEY, the AWS credentials, and the right to ${action} on the key.`;
    throw new ExporterError("ERR_SIGNING_KEY", `${action} with ${keyArn} failed (${reason}). ${help}`, { cause });
  }
}
