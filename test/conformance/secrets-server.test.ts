import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SecretsServer, startSecretsServer } from "../support/secrets-server.ts";

let server: SecretsServer;
let client: SecretsManagerClient;
beforeAll(async () => {
  server = await startSecretsServer({ kore: '{"clientId":"cs-1"}' });
  client = new SecretsManagerClient(server.clientSettings);
});
afterAll(async () => {
  client.destroy();
  await server.close();
});

const ask = (SecretId: string) => client.send(new GetSecretValueCommand({ SecretId }));

test("the Secrets Manager test server gives the current value of a secret, and logs who was asked for", async () => {
  expect(await ask("kore")).toMatchObject({ Name: "kore", SecretString: '{"clientId":"cs-1"}' });
  server.secrets.set("kore", "rotated");
  expect((await ask("kore")).SecretString).toBe("rotated");
  expect(server.requests.at(-1)).toEqual({ secretId: "kore", status: 200 });
});

test("the Secrets Manager test server refuses as Secrets Manager does", async () => {
  await expect(ask("unknown")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  server.fail("AccessDeniedException");
  await expect(ask("kore")).rejects.toMatchObject({ name: "AccessDeniedException" });
  server.fail("InternalServiceErrorException");
  expect((await ask("kore")).$metadata.attempts).toBe(2);
});
