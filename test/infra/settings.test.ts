import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSettings, WrongSettings } from "../../infra/settings.ts";
import { REQUIRED, TODAY } from "./synthesise.ts";

const read = (settings: unknown) => readSettings(settings, TODAY);

function problemsOf(settings: unknown): readonly string[] {
  try {
    read(settings);
  } catch (error) {
    if (error instanceof WrongSettings) return error.problems;
    throw error;
  }
  return [];
}

describe("the settings of a deployment", () => {
  it("need a host and bots only, and default the rest", () => {
    expect(read(REQUIRED)).toEqual({
      stackName: "KoreSessions",
      host: "https://kore.example.com",
      source: { kind: "bots", botIds: ["st-1", "st-2"] },
      durable: true,
      timeZone: "UTC",
      scheduleTime: "02:15",
      lookBackDays: 16,
      requestsPerMinute: 60,
      requestsPerHour: 1800,
      pageSize: 100,
      retentionMode: "governance",
      retentionDays: 365,
      colderStorageDays: 90,
      athenaScanLimitGigabytes: 100,
      personalData: "keep",
      trustedKeys: [],
      removal: "retain",
    });
  });

  it("come as JSON text too, as -c passes them", () => {
    expect(read(JSON.stringify(REQUIRED))).toEqual(read(REQUIRED));
  });

  it("export a whole account instead of bots", () => {
    expect(read({ host: REQUIRED.host, account: true }).source).toEqual({ kind: "account" });
    expect(read({ ...REQUIRED, account: false }).source.kind).toBe("bots");
  });

  it.each(["keep", "user_id=hash,tag:caller*=drop", "tag:language=keep,tag:*=drop"])(
    "accept %s for personal data",
    (rules) => {
      expect(read({ ...REQUIRED, personalData: rules }).personalData).toBe(rules);
    },
  );

  it.each<[string, unknown, string]>([
    ["stackName", "Kore sessions", "must be a stack name"],
    ["host", "platform.kore.ai", "must be the https address"],
    ["host", "http://platform.kore.ai", "must be the https address"],
    ["host", "https://user:word@platform.kore.ai", "must be the https address"],
    ["bots", [], "must be a list of different bot ids"],
    ["bots", ["st-1", "st-1"], "must be a list of different bot ids"],
    ["bots", ["account"], "must be a list of different bot ids"],
    ["bots", ["st/1"], "must be a list of different bot ids"],
    ["bots", Array.from({ length: 100 }, (_, index) => `st-${"0".repeat(32)}${index}`), "at most 3,000 characters"],
    ["account", "yes", "must be true or false"],
    ["secretArn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kore", "must be the complete ARN of a secret"],
    ["secretKeyArn", "alias/kore", "must be the ARN of the KMS key"],
    ["durable", "no", "must be true or false"],
    ["timeZone", "Mars/Olympus", "must be the name of a time zone"],
    ["timeZone", "+02:00", "must be the name of a time zone"],
    ["scheduleTime", "2:15", "must be a time of day"],
    ["scheduleTime", "24:00", "must be a time of day"],
    ["lookBackDays", 0, "must be a whole number from 1 to 400"],
    ["lookBackDays", "16", "must be a whole number from 1 to 400"],
    ["startDate", "2026-02-30", "must be a date"],
    ["requestsPerMinute", 0.5, "must be a whole number"],
    ["requestsPerHour", -1, "must be a whole number"],
    ["pageSize", 0, "must be a whole number"],
    ["retentionMode", "legal-hold", "must be governance or compliance"],
    ["retentionDays", 0, "must be a whole number"],
    ["colderStorageDays", -1, "must be a whole number"],
    ["alarmEmail", "me", "must be an e-mail address"],
    ["athenaScanLimitGigabytes", 0, "must be a whole number"],
    ["personalData", "user_id=mask", "or rules such as user_id=hash"],
    ["personalData", "tag:*=hash,tag:caller*=drop", "none of which an earlier one leaves nothing to decide"],
    ["personalData", "", 'must be "keep", or rules'],
    ["trustedKeys", "0".repeat(64), "must be a list of different fingerprints"],
    ["trustedKeys", ["0".repeat(63)], "each of 64 hexadecimal digits in lower case"],
    ["trustedKeys", ["A".repeat(64)], "each of 64 hexadecimal digits in lower case"],
    ["trustedKeys", ["0".repeat(64), "0".repeat(64)], "must be a list of different fingerprints"],
    ["vpc", { vpcId: "vpc-0123abcd" }, "must have vpcId, subnetIds"],
    ["vpc", { vpcId: "vpc-0123abcd", subnetIds: ["subnet-0123abcd"], subnets: [] }, "and nothing else"],
    ["removal", "snapshot", "must be retain or destroy"],
  ])("refuse %s %j with its sentence", (key, value, sentence) => {
    const problems = problemsOf({ ...REQUIRED, [key]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${key} `));
    expect(problems[0]).toContain(JSON.stringify(value).slice(0, 100));
    expect(problems[0]).toContain(sentence);
    expect(problems[0]).toMatch(/\. [A-Z].*\.$/);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["no host", { bots: ["st-1"] }, "host is missing"],
    ["neither bots nor account", { host: REQUIRED.host }, "bots and account: exactly one"],
    ["both bots and account", { ...REQUIRED, account: true }, "bots and account: exactly one"],
    [
      "a key without its secret",
      { ...REQUIRED, secretKeyArn: "arn:aws:kms:eu-west-1:123456789012:key/1" },
      "secretKeyArn needs secretArn",
    ],
    [
      "a removal that compliance forbids",
      { ...REQUIRED, retentionMode: "compliance", removal: "destroy" },
      'removal "destroy" contradicts',
    ],
    [
      "more bots and rules than fit",
      {
        ...REQUIRED,
        bots: Array.from({ length: 80 }, (_, index) => `st-${"0".repeat(30)}${index}`),
        personalData: `tag:${"a".repeat(300)}=drop`,
      },
      "bots, personalData and trustedKeys are longer than 3,000 characters together",
    ],
    [
      "more trusted keys than fit",
      { ...REQUIRED, trustedKeys: Array.from({ length: 50 }, (_, index) => String(index).padStart(64, "0")) },
      "bots, personalData and trustedKeys are longer than 3,000 characters together",
    ],
    ["a start date in the future", { ...REQUIRED, startDate: "2026-11-23" }, 'startDate "2026-11-23" is in the future'],
  ])("refuse %s", (_, settings, sentence) => {
    expect(problemsOf(settings)).toEqual([expect.stringContaining(sentence)]);
  });

  it("tell everything that is wrong in one message", () => {
    const wrong = { host: 1, bots: ["st-1"], retentionDays: "long", personalData: "drop", look_back_days: 3 };
    expect(() => read(wrong)).toThrowError(
      /settings in the context `exporter`.*\n- host 1 .*\n- retentionDays "long" .*\n- personalData "drop" .*\n- look_back_days is not a setting. Write lookBackDays\.$/,
    );
  });

  it("name an unknown key without its value, which may be a secret", () => {
    const [problem] = problemsOf({ ...REQUIRED, clientSecret: "very secret" });
    expect(problem).toMatch(/^clientSecret is not a setting\. Remove it; the settings are stackName, host, /);
    expect(problem).not.toContain("very secret");
  });

  it.each([undefined, null, [], 3, "{"])("refuse %j as settings", (settings) => {
    expect(problemsOf(settings)).toEqual([expect.stringMatching(/^exporter (is not JSON|must be an object)\. Write /)]);
  });

  it("fail in no other way, whatever is given", () => {
    const names = fc.constantFrom("host", "bots", "account", "timeZone", "scheduleTime", "startDate", "vpc", "other");
    fc.assert(
      fc.property(fc.dictionary(names, fc.anything()), (given) => {
        expect(problemsOf({ ...REQUIRED, ...given })).toBeInstanceOf(Array);
      }),
    );
  });
});

describe("the schedule's time", () => {
  it("is one that exists every night where the clocks change at two", () => {
    expect(read({ ...REQUIRED, timeZone: "America/New_York" }).scheduleTime).toBe("03:15");
    expect(read({ ...REQUIRED, timeZone: "Asia/Kolkata" }).scheduleTime).toBe("02:15");
  });

  it("is refused if a night would be skipped", () => {
    expect(problemsOf({ ...REQUIRED, timeZone: "Europe/Berlin", scheduleTime: "02:30" })).toEqual([
      'scheduleTime "02:30" does not exist on 2027-03-28 in Europe/Berlin, where the clocks go forward: ' +
        'EventBridge Scheduler would skip that night. Write "03:15", for example.',
    ]);
  });
});
