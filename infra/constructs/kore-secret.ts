import { aws_kms as kms, type RemovalPolicy, Stack, aws_secretsmanager as secretsmanager } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledge.ts";

export interface KoreSecretProps {
  /** Key of a new secret. */
  readonly key: kms.IKey;
  /** An existing secret, instead of a new one. */
  readonly secretArn: string | undefined;
  /** Customer-managed key of the existing secret; none if it uses `aws/secretsmanager`. */
  readonly secretKeyArn: string | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The secret with Kore's client id and secret. A new one is empty until a person puts the value: no template, log or
 * history ever holds it.
 */
export class KoreSecret extends Construct {
  readonly secret: secretsmanager.ISecret;
  /** Key needed to read an existing secret, if it has one of its own. */
  readonly ownKey: kms.IKey | undefined;

  constructor(scope: Construct, id: string, props: KoreSecretProps) {
    super(scope, id);
    this.ownKey = props.secretKeyArn ? kms.Key.fromKeyArn(this, "Key", props.secretKeyArn) : undefined;
    this.secret = props.secretArn
      ? secretsmanager.Secret.fromSecretCompleteArn(this, "Secret", props.secretArn)
      : this.#newSecret(props);
  }

  #newSecret({ key, removalPolicy }: KoreSecretProps): secretsmanager.Secret {
    const secret = new secretsmanager.Secret(this, "Secret", {
      description: `Client id and secret of the Kore app that stack ${Stack.of(this).stackName} reads sessions with`,
      encryptionKey: key,
      removalPolicy,
    });
    // CDK would generate a random password, with which the first run fails at Kore instead of here.
    (secret.node.defaultChild as secretsmanager.CfnSecret).generateSecretString = undefined;
    acknowledge(secret, {
      "AwsSolutions-SMG4":
        "Kore issues client secrets in its console only, so no rotation can be automated; the function reads the secret anew after a 401.",
    });
    return secret;
  }
}
