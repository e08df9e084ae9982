import { REGION } from "./ministack.ts";

/** Calls to services of an emulator for which the project has no client. Signatures are not checked there. */
export class AwsCalls {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** One operation of a service that speaks AWS's JSON protocol; `target` is `Prefix.Operation`. */
  json<T>(service: string, target: string, body: object): Promise<T> {
    const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": target };
    return this.#call(service, "POST", "/", body, headers);
  }

  /** One request to a service with paths of its own. */
  rest<T>(service: string, method: string, path: string, body?: object): Promise<T> {
    return this.#call(service, method, path, body, { "content-type": "application/json" });
  }

  async #call<T>(
    service: string,
    method: string,
    path: string,
    body: object | undefined,
    headers: Record<string, string>,
  ): Promise<T> {
    const scope = `test/20260101/${REGION}/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`;
    const response = await fetch(this.#endpoint + path, {
      method,
      headers: { ...headers, authorization },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${service} ${headers["x-amz-target"] ?? path}: ${response.status} ${text}`);
    return JSON.parse(text || "null");
  }
}
