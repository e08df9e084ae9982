import { randomUUID, webcrypto } from "node:crypto";
import { SignJWT } from "jose";

/** Client id and client secret of an app that Kore's administrator made for us. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

const LIFETIME_SECONDS = 300;
const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * A token for one attempt: HS256, the client id as `appId`, five minutes long, with a fresh `jti`, since an app may
 * enforce that each is used once. Source: "Generating the JWT token" in Kore's API introduction, which shows `sub` and
 * `appId`; `sub` may be any text.
 */
export async function signToken(credentials: Credentials, nowMs: number): Promise<string> {
  const nowSeconds = Math.floor(nowMs / 1000);
  return new SignJWT({ appId: credentials.clientId })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(credentials.clientId)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + LIFETIME_SECONDS)
    .setJti(randomUUID())
    .sign(await keyOf(credentials));
}

/** Keys by their credentials: to make one takes longer than to sign with it. */
const keys = new WeakMap<Credentials, Promise<webcrypto.CryptoKey>>();

function keyOf(credentials: Credentials): Promise<webcrypto.CryptoKey> {
  const known = keys.get(credentials);
  if (known !== undefined) return known;
  const secret = new TextEncoder().encode(credentials.clientSecret);
  const key = webcrypto.subtle.importKey("raw", secret, HMAC, false, ["sign"]);
  keys.set(credentials, key);
  return key;
}
