import { aws_athena as athena, type aws_glue as glue, type aws_kms as kms } from "aws-cdk-lib";
import { Construct } from "constructs";
import { savedQueries } from "../saved-queries.ts";

const BYTES_IN_GIGABYTE = 1_000_000_000;

export interface QueryWorkgroupProps {
  readonly workgroupName: string;
  /** Where the saved queries find their tables. */
  readonly database: glue.CfnDatabase;
  readonly key: kms.IKey;
  /** A query that would scan more is stopped, and costs what it scanned until then. */
  readonly scanLimitGigabytes: number;
}

/**
 * Where people query the archive: a limit on what one query may scan, results that Athena keeps encrypted for a day,
 * and the saved queries. Nobody's own settings win over these.
 */
export class QueryWorkgroup extends Construct {
  readonly workgroup: athena.CfnWorkGroup;

  constructor(scope: Construct, id: string, props: QueryWorkgroupProps) {
    super(scope, id);
    this.workgroup = new athena.CfnWorkGroup(this, "Workgroup", {
      name: props.workgroupName,
      description: "Queries over the archive of Kore sessions",
      // Else a workgroup that was ever used cannot be removed; what goes with it is the history of queries.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: props.scanLimitGigabytes * BYTES_IN_GIGABYTE,
        engineVersion: { selectedEngineVersion: "Athena engine version 3" },
        managedQueryResultsConfiguration: {
          enabled: true,
          encryptionConfiguration: { kmsKey: props.key.keyArn },
        },
      },
    });
    for (const query of savedQueries()) {
      const saved = new athena.CfnNamedQuery(this, query.id, {
        name: query.title,
        description: query.description,
        database: props.database.ref,
        workGroup: props.workgroupName,
        queryString: query.sql,
      });
      saved.addResourceDependency(this.workgroup);
    }
  }
}
