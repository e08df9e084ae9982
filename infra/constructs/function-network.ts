import { aws_ec2 as ec2, type aws_lambda as lambda } from "aws-cdk-lib";
import { Construct } from "constructs";

const HTTPS_PORT = 443;

export interface FunctionNetworkProps {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  /** Without any, a group is made that lets out what the exporter needs, and nothing in. */
  readonly securityGroupIds?: readonly string[];
  /** Address of the Kore environment; its port is let out. */
  readonly host: string;
}

/**
 * Where in an existing VPC the function runs, for a Kore environment that is not on the internet. The subnets need a
 * way of their own to S3 and Secrets Manager, and a durable function to the API of Lambda, where its checkpoints go: VPC
 * endpoints or NAT.
 */
export class FunctionNetwork extends Construct {
  readonly placement: Pick<lambda.FunctionOptions, "vpc" | "vpcSubnets" | "securityGroups">;

  constructor(scope: Construct, id: string, props: FunctionNetworkProps) {
    super(scope, id);
    const vpc = ec2.Vpc.fromVpcAttributes(this, "Vpc", {
      vpcId: props.vpcId,
      // The zones matter to nobody here: the subnets are named one by one.
      availabilityZones: props.subnetIds.map((_, index) => `zone-${index}`),
      privateSubnetIds: [...props.subnetIds],
    });
    this.placement = {
      vpc,
      vpcSubnets: { subnets: vpc.privateSubnets },
      securityGroups: props.securityGroupIds?.map((group) =>
        ec2.SecurityGroup.fromSecurityGroupId(this, group, group, { mutable: false }),
      ) ?? [this.#securityGroup(vpc, props.host)],
    };
  }

  #securityGroup(vpc: ec2.IVpc, host: string): ec2.SecurityGroup {
    const group = new ec2.SecurityGroup(this, "SecurityGroup", {
      vpc,
      description: "Exporter of Kore sessions: out to Kore and to AWS, in from nowhere",
      allowAllOutbound: false,
    });
    const ports = new Set([HTTPS_PORT, Number(new URL(host).port || HTTPS_PORT)]);
    for (const port of ports) group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(port), "Kore and AWS");
    return group;
  }
}
