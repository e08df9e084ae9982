import { createECDH, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** Error codes that a test can ask for. */
export type KmsFailure = "AccessDeniedException" | "DisabledException" | "KMSInternalException";

/**
 * Speaks the two operations of KMS that the exporter uses, GetPublicKey and Sign, over loopback.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html and API_GetPublicKey.html
 */
export interface KmsServer {
  readonly url: string;
  /** Key ARN of an ECC_NIST_P256 key for signing, and an alias of it. */
  readonly keyArn: string;
  readonly aliasArn: string;
  /** Key ARN of an RSA_2048 key for signing. */
  readonly rsaKeyArn: string;
  /** Of the ECC key, in PEM. */
  readonly publicKey: string;
  readonly requests: readonly { readonly operation: string; readonly status: number }[];
  /** The next request fails so. */
  fail(code: KmsFailure): void;
  close(): Promise<void>;
}

type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };
type Question = {
  readonly KeyId?: string;
  readonly Message?: string;
  readonly MessageType?: string;
  readonly SigningAlgorithm?: string;
};

const ARN = "arn:aws:kms:us-east-1:111122223333";

export async function startKmsServer(): Promise<KmsServer> {
  const ecc = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const keyArn = `${ARN}:key/ecc`;
  const aliasArn = `${ARN}:alias/kore`;
  const rsaKeyArn = `${ARN}:key/rsa`;
  const keys = new Map([
    [keyArn, ecc],
    [aliasArn, ecc],
    [rsaKeyArn, rsa],
  ]);
  const requests: { operation: string; status: number }[] = [];
  const failures: KmsFailure[] = [];
  const server = createServer(async (incoming, response) => {
    const question = JSON.parse(await text(incoming)) as Question;
    const operation = String(incoming.headers["x-amz-target"]).replace("TrentService.", "");
    const answer = refusalOf(incoming, failures.shift()) ?? answerTo(operation, question, keys);
    requests.push({ operation, status: answer.status });
    response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keyArn,
    aliasArn,
    rsaKeyArn,
    publicKey: String(createPublicKey(ecc).export({ type: "spki", format: "pem" })),
    requests,
    fail: (code) => failures.push(code),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function refusalOf({ headers }: IncomingMessage, fault: KmsFailure | undefined): Answer | undefined {
  if (!headers.authorization?.startsWith("AWS4-HMAC-SHA256 ")) {
    return failure("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  if (fault === undefined) return undefined;
  return { ...failure(fault, "injected"), status: fault === "KMSInternalException" ? 500 : 400 };
}

function answerTo(operation: string, question: Question, keys: ReadonlyMap<string, KeyObject>): Answer {
  const key = keys.get(question.KeyId ?? "");
  if (key === undefined) return failure("NotFoundException", `Key '${question.KeyId}' does not exist`);
  const isEcc = key.asymmetricKeyType === "ec";
  const SigningAlgorithms = isEcc ? ["ECDSA_SHA_256"] : ["RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"];
  if (operation === "GetPublicKey") {
    const PublicKey = createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");
    const KeySpec = isEcc ? "ECC_NIST_P256" : "RSA_2048";
    return {
      status: 200,
      body: { KeyId: question.KeyId, PublicKey, KeySpec, KeyUsage: "SIGN_VERIFY", SigningAlgorithms },
    };
  }
  if (operation !== "Sign") return failure("UnknownOperationException", `${operation} is not implemented here`);
  const hash = Buffer.from(question.Message ?? "", "base64");
  if (question.MessageType !== "DIGEST" || hash.length !== 32) {
    return failure("ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256.");
  }
  if (!SigningAlgorithms.includes(question.SigningAlgorithm ?? "")) {
    return failure("InvalidKeyUsageException", `Algorithm ${question.SigningAlgorithm} is incompatible with key spec.`);
  }
  const body = { KeyId: question.KeyId, Signature: signHash(hash, key), SigningAlgorithm: question.SigningAlgorithm };
  return { status: 200, body };
}

/** Order of P-256's group (FIPS 186-5, SP 800-186, 3.2.1.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** ECDSA over a hash that is already made (FIPS 186-5, 6.4.1), which Node's own `sign` cannot be given; DER. */
function signHash(hash: Buffer, key: KeyObject): string {
  const secret = integer(Buffer.from(String(key.export({ format: "jwk" }).d), "base64url"));
  const once = createECDH("prime256v1");
  // An uncompressed point: 4, x, y.
  const r = integer(once.generateKeys().subarray(1, 33)) % ORDER;
  const s = (inverse(integer(once.getPrivateKey())) * (integer(hash) + r * secret)) % ORDER;
  const numbers = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.from([0x30, numbers.length]), numbers]).toString("base64");
}

function integer(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex")}`);
}

/** By Fermat: the order is prime. */
function inverse(number: bigint): bigint {
  let [result, base, exponent] = [1n, number % ORDER, ORDER - 2n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % ORDER;
    base = (base * base) % ORDER;
  }
  return result;
}

function derInteger(number: bigint): Buffer {
  const hex = number.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  const unsigned = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]);
  return Buffer.concat([Buffer.from([2, unsigned.length]), unsigned]);
}

function failure(code: string, message: string): Answer {
  return { status: 400, body: { __type: code, message } };
}
