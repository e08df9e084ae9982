import { SettingsError } from "../../functions/exporter/errors.ts";
import type { CommandIo } from "../io.ts";

/** Far more than any secret has. */
const MOST_CHARACTERS = 10_000;

/** The secret that is piped into stdin, without the line's end. Throws `SettingsError`. */
export async function readSecret({ stdin }: CommandIo): Promise<string> {
  const input = stdin?.();
  const usage = "pipe it in, as in: pass show kore | kore-sessions init --client-secret-stdin …";
  if (input === undefined || input.isTTY === true) {
    throw new SettingsError([`--client-secret-stdin reads the secret from a pipe, and there is none; ${usage}`]);
  }
  let text = "";
  input.setEncoding("utf8");
  for await (const chunk of input) {
    text += String(chunk);
    if (text.length > MOST_CHARACTERS) throw new SettingsError(["What stdin has is too long to be a secret."]);
  }
  const secret = text.trim();
  if (secret === "") throw new SettingsError([`stdin is empty, and should hold the client secret; ${usage}`]);
  return secret;
}
