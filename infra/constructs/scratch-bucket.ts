import { Duration, type aws_kms as kms, type RemovalPolicy, aws_s3 as s3 } from "aws-cdk-lib";
import { Construct } from "constructs";

const KEPT_DAYS = 2;

export interface ScratchBucketProps {
  readonly key: kms.IKey;
  readonly accessLogs: s3.IBucket;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * What lives only while a run does: pages and parts on their way, leases. No lock, no versions. Nothing deletes here but
 * the lifecycle, which outlasts the longest execution.
 */
export class ScratchBucket extends Construct {
  readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, props: ScratchBucketProps) {
    super(scope, id);
    this.bucket = new s3.Bucket(this, "Bucket", {
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: props.key,
      bucketKeyEnabled: true,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      serverAccessLogsBucket: props.accessLogs,
      serverAccessLogsPrefix: "scratch/",
      lifecycleRules: [
        {
          id: "empty",
          expiration: Duration.days(KEPT_DAYS),
          abortIncompleteMultipartUploadAfter: Duration.days(KEPT_DAYS),
        },
      ],
      removalPolicy: props.removalPolicy,
    });
  }
}
