import { describe, expect, it } from "vitest";
import { asList, type Json, type Resource, synthesise } from "./synthesise.ts";

const BUCKETS = ["Archive", "Scratch", "AccessLogs"];

const bucket = (prefix: string, settings?: Record<string, unknown>): Json =>
  synthesise(settings).one("AWS::S3::Bucket", prefix).Properties;

const rules = (prefix: string, settings?: Record<string, unknown>): Json[] =>
  bucket(prefix, settings).LifecycleConfiguration.Rules;

describe("every bucket", () => {
  it("is one of the three", () => {
    expect(synthesise().all("AWS::S3::Bucket")).toHaveLength(BUCKETS.length);
  });

  it.each(BUCKETS)("%s is private, owned by the account and encrypted", (prefix) => {
    const { PublicAccessBlockConfiguration, OwnershipControls, BucketEncryption } = bucket(prefix);
    expect(PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(OwnershipControls.Rules).toEqual([{ ObjectOwnership: "BucketOwnerEnforced" }]);
    expect(BucketEncryption.ServerSideEncryptionConfiguration).toHaveLength(1);
  });

  it.each(BUCKETS)("%s refuses anything but TLS 1.2 or later, from anybody", (prefix) => {
    const { PolicyDocument } = synthesise().one("AWS::S3::BucketPolicy", prefix).Properties;
    const denied = PolicyDocument.Statement.filter(({ Effect }: Json) => Effect === "Deny");
    expect(denied.map(({ Condition }: Json) => Condition)).toEqual([
      { Bool: { "aws:SecureTransport": "false" } },
      { NumericLessThan: { "s3:TlsVersion": 1.2 } },
    ]);
    for (const { Action, Principal, Resource } of denied) {
      expect([Action, Principal, asList(Resource).length]).toEqual(["s3:*", { AWS: "*" }, 2]);
    }
  });

  it.each(BUCKETS)("%s gives up uploads that were never finished", (prefix) => {
    expect(rules(prefix).map((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation)).toContain(2);
  });
});

describe("the archive", () => {
  it("is versioned, and locks every version in governance mode for the days of retention", () => {
    const { VersioningConfiguration, ObjectLockEnabled, ObjectLockConfiguration } = bucket("Archive", {
      retentionDays: 30,
    });
    expect(VersioningConfiguration).toEqual({ Status: "Enabled" });
    expect(ObjectLockEnabled).toBe(true);
    expect(ObjectLockConfiguration.Rule.DefaultRetention).toEqual({ Mode: "GOVERNANCE", Days: 30 });
  });

  it("locks in compliance mode only by choice, with a warning", () => {
    const settings = { retentionMode: "compliance", retentionDays: 7 };
    expect(bucket("Archive", settings).ObjectLockConfiguration.Rule.DefaultRetention.Mode).toBe("COMPLIANCE");
    expect(synthesise(settings).warnings).toContainEqual(expect.stringMatching(/nobody can delete.*7 days.*erased/));
    expect(synthesise().warnings).not.toContainEqual(expect.stringMatching(/nobody can delete/));
  });

  it("encrypts with the stack's own rotating key, by a bucket key", () => {
    expect(bucket("Archive").BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
      {
        BucketKeyEnabled: true,
        ServerSideEncryptionByDefault: {
          SSEAlgorithm: "aws:kms",
          KMSMasterKeyID: { "Fn::GetAtt": [expect.stringMatching(/^Key/), "Arn"] },
        },
      },
    ]);
    expect(synthesise().one("AWS::KMS::Key", "Key").Properties.EnableKeyRotation).toBe(true);
  });

  it.each([1, 365, 36_500])(
    "never lets anything current expire, nor a replaced version within %i days",
    (retentionDays) => {
      for (const rule of rules("Archive", { retentionDays })) {
        expect(rule.ExpirationInDays ?? rule.ExpirationDate).toBeUndefined();
        const kept = rule.NoncurrentVersionExpiration?.NoncurrentDays ?? Number.POSITIVE_INFINITY;
        expect(kept).toBeGreaterThan(retentionDays);
      }
    },
  );

  it("moves session files to the coldest storage that Athena reads, or leaves them", () => {
    const transitions = (colderStorageDays: number) =>
      rules("Archive", { colderStorageDays })
        .filter((rule) => rule.Transitions)
        .map(({ Prefix, Transitions }) => [Prefix, Transitions]);
    expect(transitions(120)).toEqual([["sessions/", [{ StorageClass: "GLACIER_IR", TransitionInDays: 120 }]]]);
    expect(transitions(0)).toEqual([]);
  });
});

describe("the key of the digests", () => {
  it("is one that KMS signs with by ECDSA on P-256, and that never leaves it", () => {
    const { KeySpec, KeyUsage } = synthesise().one("AWS::KMS::Key", "Signing").Properties;
    expect({ KeySpec, KeyUsage }).toEqual({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
  });
});

describe("the scratch bucket", () => {
  it("empties itself after two days, without locks and versions", () => {
    const { ObjectLockEnabled, VersioningConfiguration } = bucket("Scratch");
    expect([ObjectLockEnabled, VersioningConfiguration]).toEqual([undefined, undefined]);
    expect(rules("Scratch").map((rule) => rule.ExpirationInDays)).toEqual([2]);
  });
});

describe("access logs", () => {
  it("are written for archive and scratch, each under its own prefix", () => {
    expect(["Archive", "Scratch"].map((prefix) => bucket(prefix).LoggingConfiguration)).toEqual([
      { DestinationBucketName: { Ref: expect.stringMatching(/^AccessLogs/) }, LogFilePrefix: "archive/" },
      { DestinationBucketName: { Ref: expect.stringMatching(/^AccessLogs/) }, LogFilePrefix: "scratch/" },
    ]);
  });
});

describe("removing the stack", () => {
  const kept = (resource: Resource) => resource.DeletionPolicy === "Retain";
  const holdsData = ["AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"];

  it("keeps all that holds data", () => {
    for (const type of holdsData) expect(synthesise().all(type).every(kept), type).toBe(true);
  });

  it("deletes it too where removal says so", () => {
    const made = synthesise({ removal: "destroy" });
    for (const type of holdsData) expect(made.all(type).some(kept), type).toBe(false);
  });
});

describe("a new secret", () => {
  it("is empty and encrypted with the stack's key, so that no template holds a value", () => {
    expect(Object.keys(synthesise().one("AWS::SecretsManager::Secret").Properties).sort()).toEqual([
      "Description",
      "KmsKeyId",
    ]);
  });
});
