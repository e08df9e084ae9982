import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/**
 * Accepts findings of cdk-nag at a construct and all below it, each with its reason.
 *
 * @param findings reasons by rule or finding id, such as `AwsSolutions-S1` or `AwsSolutions-IAM5[Resource::*]`
 */
export function acknowledge(construct: IConstruct, findings: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(findings)) Validations.of(construct).acknowledge({ id, reason });
}
