import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, readable, synthesise } from "./synthesise.ts";

const FOLDER = join(ROOT, "infra/queries");
const FILES = readdirSync(FOLDER);

describe("the workgroup", () => {
  it("enforces engine 3, a scan limit and results encrypted with the stack's key", () => {
    const made = synthesise({ athenaScanLimitGigabytes: 25 });
    const { Name, WorkGroupConfiguration } = made.one("AWS::Athena::WorkGroup").Properties;
    expect(Name).toBe("KoreSessions");
    expect(WorkGroupConfiguration).toMatchObject({
      EnforceWorkGroupConfiguration: true,
      BytesScannedCutoffPerQuery: 25_000_000_000,
      EngineVersion: { SelectedEngineVersion: "Athena engine version 3" },
      ManagedQueryResultsConfiguration: { Enabled: true },
    });
    const { EncryptionConfiguration } = WorkGroupConfiguration.ManagedQueryResultsConfiguration;
    expect(readable(EncryptionConfiguration.KmsKey)).toBe("{Key.Arn}");
  });
});

describe("the saved queries", () => {
  it("are those of infra/queries, with a title and a description each", () => {
    const saved = synthesise()
      .all("AWS::Athena::NamedQuery")
      .map(({ Properties }) => Properties);
    expect(saved.map(({ QueryString }) => QueryString).sort()).toEqual(
      FILES.map((file) => readFileSync(join(FOLDER, file), "utf8")).sort(),
    );
    for (const { Name, Description, Database, WorkGroup } of saved) {
      expect(Name).toMatch(/^[A-Z][^\n]{5,60}$/);
      expect(Description).toMatch(/^[A-Z].{20,}\.$/);
      expect([readable(Database), WorkGroup]).toEqual(["{TablesDatabase}", "KoreSessions"]);
    }
    expect(new Set(saved.map(({ Name }) => Name)).size).toBe(saved.length);
  });

  it.each(FILES)("%s bounds the days of every table that it reads, relative to today", (file) => {
    const sql = readFileSync(join(FOLDER, file), "utf8");
    const readings = sql.match(/\b(?:FROM|JOIN)\s+(?:sessions|exports)\b/g) ?? [];
    const bounds =
      sql.match(
        /\bdt BETWEEN CAST\(current_date - INTERVAL '\d+' DAY AS varchar\) AND CAST\(current_date(?: - INTERVAL '\d+' DAY)? AS varchar\)/g,
      ) ?? [];
    expect(readings.length).toBeGreaterThan(0);
    expect(bounds).toHaveLength(readings.length);
    expect(sql).not.toMatch(/'20\d\d-/);
  });
});
