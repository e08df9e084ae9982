import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readable, synthesise } from "./synthesise.ts";

const output = (id: string) => readable(synthesise().outputs[id]?.Value);

/** Arguments that `aws` gets when a person pastes the command into a shell. */
function argumentsOf(command: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "kore-aws-"));
  try {
    writeFileSync(join(folder, "aws"), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    return execFileSync("sh", ["-c", command], { encoding: "utf8", env }).trimEnd().split("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the outputs", () => {
  it("name what people use", () => {
    expect(output("ArchiveBucket")).toBe("{ArchiveBucket}");
    expect(output("SessionsTable")).toBe("kore_sessions.sessions");
    expect(output("ExportsTable")).toBe("kore_sessions.exports");
    expect(output("Workgroup")).toBe("KoreSessions");
    expect(output("FunctionAlias")).toBe("{ExporterFunctionAliaslive}");
    expect(output("LogGroup")).toBe("{ExporterLogs}");
    expect(output("FunctionDeadLetters")).toBe("{ExporterDeadLettersQueue}");
    expect(output("ScheduleDeadLetters")).toBe("{NightlyDeadLettersQueue}");
    expect(output("AnalystPolicy")).toBe("{AnalystsPolicy}");
  });

  it("hold a command that puts the secret from a file, so that no shell remembers it", () => {
    expect(argumentsOf(output("PutSecretCommand"))).toEqual([
      "secretsmanager",
      "put-secret-value",
      "--secret-id",
      "{Secret}",
      "--secret-string",
      "file://kore-secret.json",
    ]);
  });

  it("hold a command that downloads the public key, for a copy outside the archive", () => {
    const [download, decode] = output("PublicKeyCommand").split(" | ");
    expect(download).toBe("aws kms get-public-key --key-id {SigningKey.Arn} --query PublicKey --output text");
    expect(decode).toBe("base64 --decode > kore-public.der");
  });

  it("hold a command that starts the run of this night, with an event like the schedule's", () => {
    const given = argumentsOf(output("RunCommand"));
    expect(given.slice(0, 6)).toEqual([
      "lambda",
      "invoke",
      "--function-name",
      "{ExporterFunctionAliaslive}",
      "--invocation-type",
      "Event",
    ]);
    const event = JSON.parse(given[given.indexOf("--payload") + 1] ?? "");
    expect(event).toEqual({ scheduledTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) });
  });

  it("hold a command that archives past days, where the function is a durable one", () => {
    const words = output("BackfillCommand").split(" ");
    expect(words.slice(0, 6)).toEqual(["npm", "run", "-s", "kore-sessions", "--", "backfill"]);
    expect(words.slice(6)).toEqual([
      "--function",
      "{ExporterFunctionAliaslive}",
      "--from",
      "2026-01-01",
      "--to",
      "2026-01-31",
    ]);
    expect(synthesise({ durable: false }).outputs).not.toHaveProperty("BackfillCommand");
  });
});
