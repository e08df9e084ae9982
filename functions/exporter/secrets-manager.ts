import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SMALL_REQUESTS } from "./aws-requests.ts";
import { ExporterError } from "./errors.ts";

/**
 * Reads a secret's current text from AWS Secrets Manager; `secretId` is its name or ARN. Region, credentials and
 * endpoint are those the AWS SDK finds. Throws `ERR_SECRET_UNREADABLE`.
 */
export function secretsManagerReader(secretId: string): () => Promise<string> {
  const client = new SecretsManagerClient({ requestHandler: SMALL_REQUESTS });
  return async () => {
    let text: string | undefined;
    try {
      text = (await client.send(new GetSecretValueCommand({ SecretId: secretId }))).SecretString;
    } catch (cause) {
      const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      const help = "Check KORE_SECRET_ID, the region, and the right to secretsmanager:GetSecretValue and to the key.";
      throw new ExporterError("ERR_SECRET_UNREADABLE", `The secret ${secretId} cannot be read (${reason}). ${help}`, {
        cause,
      });
    }
    if (text !== undefined) return text;
    throw new ExporterError("ERR_SECRET_UNREADABLE", `The secret ${secretId} is binary. Store it as JSON text.`);
  };
}
