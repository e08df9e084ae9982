import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSettings } from "../../infra/settings.ts";
import { REQUIRED, ROOT, synthesise, TODAY } from "./synthesise.ts";

const guide = readFileSync(join(ROOT, "docs/deploy.md"), "utf8");

/** Rows of the table of settings: the default by the setting's name. */
const documented = new Map(
  [...guide.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, name = "", standard = ""]) => [name, standard]),
);

describe("the guide to deployment", () => {
  it("explains exactly the settings that exist", () => {
    const known = /the settings are (.*)\./.exec(messageOf({ ...REQUIRED, unknown: 1 }))?.[1]?.split(", ");
    expect([...documented.keys()].sort()).toEqual(known?.sort());
  });

  it("names their defaults", () => {
    const settings: Record<string, unknown> = { ...readSettings(REQUIRED, TODAY) };
    for (const [name, standard] of documented) {
      const value = settings[name];
      if (
        typeof value === "number" ||
        typeof value === "boolean" ||
        (typeof value === "string" && !(name in REQUIRED))
      ) {
        expect(standard.replaceAll("`", ""), name).toBe(String(value));
      }
    }
  });

  it("states the limits that the stack sets", () => {
    const { DurableConfig, EphemeralStorage } = synthesise().one("AWS::Lambda::Function").Properties;
    expect(guide).toContain(`is given up after ${DurableConfig.ExecutionTimeout / 3600}`);
    expect(guide).toContain(`keeps for ${DurableConfig.RetentionPeriodInDays} days`);
    expect(guide).toContain(`the function's disk, ${EphemeralStorage.Size / 1024} GiB`);
  });

  it("names outputs that the stack has", () => {
    const outputs = Object.keys(synthesise().outputs);
    const named = [...guide.matchAll(/outputs? `(\w+)`/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !outputs.includes(name ?? ""))).toEqual([]);
  });
});

function messageOf(settings: unknown): string {
  try {
    readSettings(settings, TODAY);
  } catch (error) {
    return String(error);
  }
  return "";
}
