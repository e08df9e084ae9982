import { aws_kms as kms, type RemovalPolicy, Stack } from "aws-cdk-lib";
import { Construct } from "constructs";

export interface SigningKeyProps {
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The key that signs what each run did: docs/digests.md. KMS keeps its private half; the public half proves signatures
 * without KMS, also once the key is gone. A key of this kind cannot rotate
 * (https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html).
 */
export class SigningKey extends Construct {
  readonly key: kms.Key;

  constructor(scope: Construct, id: string, { removalPolicy }: SigningKeyProps) {
    super(scope, id);
    this.key = new kms.Key(this, "Key", {
      description: `Signs the digests of the archive of Kore sessions, stack ${Stack.of(this).stackName}`,
      keySpec: kms.KeySpec.ECC_NIST_P256,
      keyUsage: kms.KeyUsage.SIGN_VERIFY,
      removalPolicy,
    });
  }
}
