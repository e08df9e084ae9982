import { Duration, type aws_kms as kms, type RemovalPolicy, aws_s3 as s3 } from "aws-cdk-lib";
import { Construct } from "constructs";
import { PREFIXES } from "../../functions/exporter/contract.ts";

/** A version that was replaced goes this many days after its lock may have ended, never before. */
const DAYS_AFTER_RETENTION = 30;

export interface ArchiveBucketProps {
  readonly key: kms.IKey;
  readonly accessLogs: s3.IBucket;
  readonly retentionMode: "governance" | "compliance";
  readonly retentionDays: number;
  /** Days until session files move to Glacier Instant Retrieval; 0 keeps them where they are. */
  readonly colderStorageDays: number;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The archive: versioned, and every version locked for the days of retention. Nothing current ever expires.
 *
 * Athena reads Glacier Instant Retrieval like any other class, but no colder one.
 */
export class ArchiveBucket extends Construct {
  readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, props: ArchiveBucketProps) {
    super(scope, id);
    const retention = Duration.days(props.retentionDays);
    this.bucket = new s3.Bucket(this, "Bucket", {
      versioned: true,
      objectLockDefaultRetention:
        props.retentionMode === "compliance"
          ? s3.ObjectLockRetention.compliance(retention)
          : s3.ObjectLockRetention.governance(retention),
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: props.key,
      bucketKeyEnabled: true,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      serverAccessLogsBucket: props.accessLogs,
      serverAccessLogsPrefix: "archive/",
      lifecycleRules: lifecycle(props),
      removalPolicy: props.removalPolicy,
    });
  }
}

function lifecycle({ retentionDays, colderStorageDays }: ArchiveBucketProps): s3.LifecycleRule[] {
  const rules: s3.LifecycleRule[] = [
    { id: "abort-incomplete-uploads", abortIncompleteMultipartUploadAfter: Duration.days(2) },
    {
      id: "expire-replaced-versions",
      noncurrentVersionExpiration: Duration.days(retentionDays + DAYS_AFTER_RETENTION),
    },
  ];
  if (colderStorageDays > 0) {
    rules.push({
      id: "move-sessions-to-colder-storage",
      prefix: `${PREFIXES.sessions}/`,
      transitions: [
        {
          storageClass: s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
          transitionAfter: Duration.days(colderStorageDays),
        },
      ],
    });
  }
  return rules;
}
