import { type CryptoKey, decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { INVALID_CREDENTIALS, isRefusal, type Refusal, refusal } from "./refusals.ts";

export interface Credential {
  readonly clientId: string;
  readonly clientSecret: string;
}

interface KnownCredential {
  readonly name: string;
  readonly clientId: string;
  readonly key: Promise<CryptoKey>;
}

/** The name of the credential of every source that has none of its own. */
const DEFAULT = "default";
const LEEWAY_SECONDS = 60;
const LONGEST_LIFE_SECONDS = 3600;

/** Checks the JSON Web Tokens of requests, as strictly as Kore documents: HS256, appId, sub, iat, exp, a fresh jti. */
export class Credentials {
  readonly #byName: Map<string, KnownCredential>;
  readonly #seenIds = new Set<string>();

  constructor(credentials: Readonly<Record<string, Credential>>) {
    this.#byName = new Map(Object.entries(credentials).map(([name, value]) => [name, known(name, value)]));
  }

  /** From now on only `clientSecret` is accepted for the credential of that name. */
  rotate(name: string, clientSecret: string): void {
    const old = this.#byName.get(name);
    if (old === undefined) throw new Error(`the stand-in has no credential named "${name}"`);
    this.#byName.set(name, known(name, { clientId: old.clientId, clientSecret }));
  }

  /** The token's jti, or why the token does not open the source. */
  async check(token: string | undefined, source: string, nowMs: number): Promise<{ readonly jti: string } | Refusal> {
    if (token === undefined || token === "") return refusal(401, "no auth header");
    const appId = appIdOf(token);
    if (appId === undefined) return refusal(401, "not a JSON Web Token", "Invalid JWT token");
    const wanted = this.#byName.get(source) ?? this.#byName.get(DEFAULT);
    const used = wanted?.clientId === appId ? wanted : this.#byClientId(appId);
    if (used === undefined) return refusal(401, "unknown appId");
    const verified = await verify(token, used, nowMs);
    if (isRefusal(verified)) return verified;
    if (used !== wanted) return refusal(401, "credential of another source", "Permission denied. Scope is incorrect!");
    return this.#claims(verified.payload, nowMs);
  }

  #byClientId(clientId: string): KnownCredential | undefined {
    return this.#byName.values().find((credential) => credential.clientId === clientId);
  }

  #claims(payload: JWTPayload, nowMs: number): { readonly jti: string } | Refusal {
    const { sub, iat, exp, jti } = payload;
    if (typeof sub !== "string" || sub === "") return refusal(401, "sub is empty");
    if (typeof jti !== "string" || jti === "") return refusal(401, "jti is missing or empty");
    if (iat === undefined || exp === undefined) return refusal(401, "iat or exp is missing");
    if (iat > nowMs / 1000 + LEEWAY_SECONDS) return refusal(401, "iat lies in the future");
    if (exp <= iat || exp - iat > LONGEST_LIFE_SECONDS) return refusal(401, "exp is not within an hour of iat");
    if (this.#seenIds.has(jti)) return refusal(401, "jti was used before");
    this.#seenIds.add(jti);
    return { jti };
  }
}

function known(name: string, { clientId, clientSecret }: Credential): KnownCredential {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new TextEncoder().encode(clientSecret);
  return { name, clientId, key: crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]) };
}

/** The token's appId ("" if it has none); undefined if it is no token at all. */
function appIdOf(token: string): string | undefined {
  try {
    const { appId } = decodeJwt(token);
    return typeof appId === "string" ? appId : "";
  } catch {
    return undefined;
  }
}

async function verify(
  token: string,
  { key }: KnownCredential,
  nowMs: number,
): Promise<{ readonly payload: JWTPayload } | Refusal> {
  try {
    return await jwtVerify(token, await key, {
      algorithms: ["HS256"],
      currentDate: new Date(nowMs),
      clockTolerance: LEEWAY_SECONDS,
    });
  } catch (error) {
    if (error instanceof errors.JOSEError) return refusal(401, error.message, INVALID_CREDENTIALS);
    throw error;
  }
}
