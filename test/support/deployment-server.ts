import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A function's configuration, as far as a test cares. */
export interface DeployedFunction {
  readonly arn: string;
  readonly alias: string;
  state: string;
  stateReason: string | undefined;
  variables: Record<string, string>;
}

/** A schedule of EventBridge, in the group `default`. */
export interface DeployedSchedule {
  readonly name: string;
  readonly targetArn: string;
  state: "ENABLED" | "DISABLED";
  readonly expression: string;
  readonly timeZone: string;
}

/** A table of the Glue Data Catalog, as GetTable gives it. */
export interface DeployedTable {
  Name: string;
  PartitionKeys: { Name: string; Type: string }[];
  Parameters: Record<string, string>;
  StorageDescriptor: { Columns: { Name: string; Type: string }[] };
}

/**
 * Speaks, over loopback, what is asked about a deployment: GetFunctionConfiguration of Lambda, ListSchedules and
 * GetSchedule of EventBridge Scheduler, GetTable of Glue. Whatever else is asked is refused.
 * https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html,
 * https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html,
 * https://docs.aws.amazon.com/glue/latest/webapi/API_GetTable.html
 */
export interface DeploymentServer {
  readonly url: string;
  readonly functions: DeployedFunction[];
  readonly schedules: DeployedSchedule[];
  /** By `database.table`. */
  readonly tables: Map<string, DeployedTable>;
  /** Operations that are refused, with the code of the error. */
  readonly refused: Map<string, string>;
  /** Operations in the order in which they were asked for. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

type Deployment = Pick<DeploymentServer, "functions" | "schedules" | "tables">;

/** Entries in a page of a listing: few, so that tests see more than one. */
const PAGE = 2;

export async function startDeploymentServer(): Promise<DeploymentServer> {
  const deployment: Deployment = { functions: [], schedules: [], tables: new Map() };
  const refused = new Map<string, string>();
  const requests: string[] = [];
  const server = createServer(async (incoming, response) => {
    const body = await text(incoming);
    const { operation, answer } = route(incoming, body, deployment);
    requests.push(operation);
    const isSigned = incoming.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ") === true;
    const code = isSigned ? refused.get(operation) : "MissingAuthenticationTokenException";
    const { status, body: json } = code === undefined ? answer() : failure(code, `refused: ${operation}`, 403);
    const type = "__type" in json ? { "x-amzn-errortype": String(json.__type) } : {};
    response.writeHead(status, { "content-type": "application/json", ...type });
    response.end(JSON.stringify(json));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...deployment,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused,
    requests,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function route(
  { method, url = "", headers }: IncomingMessage,
  body: string,
  deployment: Deployment,
): { operation: string; answer: () => Answer } {
  const { pathname, searchParams } = new URL(url, "http://aws");
  const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/configuration$/.exec(pathname) ?? [];
  if (method === "GET" && name !== undefined) {
    const asked = decodeURIComponent(name);
    return { operation: "GetFunctionConfiguration", answer: () => configurationOf(asked, deployment) };
  }
  if (method === "GET" && pathname === "/schedules") {
    return { operation: "ListSchedules", answer: () => listSchedules(searchParams, deployment) };
  }
  const [, schedule] = /^\/schedules\/([^/]+)$/.exec(pathname) ?? [];
  if (method === "GET" && schedule !== undefined) {
    return { operation: "GetSchedule", answer: () => getSchedule(decodeURIComponent(schedule), deployment) };
  }
  if (headers["x-amz-target"] === "AWSGlue.GetTable") {
    return { operation: "GetTable", answer: () => getTable(JSON.parse(body), deployment) };
  }
  const operation = `${method} ${pathname} ${headers["x-amz-target"] ?? ""}`.trim();
  return { operation, answer: () => failure("UnknownOperationException", `${operation} is not implemented here`) };
}

function configurationOf(asked: string, { functions }: Deployment): Answer {
  const found = functions.find(({ arn, alias }) => {
    return asked === `${arn}:${alias}` || asked === `${arn.split(":").at(-1)}:${alias}`;
  });
  if (found === undefined) return failure("ResourceNotFoundException", `Function not found: ${asked}`, 404);
  const { arn, alias, state, stateReason, variables } = found;
  return {
    status: 200,
    body: {
      FunctionName: arn.split(":").at(-1),
      FunctionArn: `${arn}:${alias}`,
      Version: "7",
      State: state,
      ...(stateReason !== undefined && { StateReason: stateReason }),
      LastUpdateStatus: "Successful",
      Environment: { Variables: variables },
    },
  };
}

function listSchedules(parameters: URLSearchParams, { schedules }: Deployment): Answer {
  const prefix = parameters.get("NamePrefix") ?? "";
  const start = Number(parameters.get("NextToken") ?? 0);
  const found = schedules.filter(({ name }) => name.startsWith(prefix));
  return {
    status: 200,
    body: {
      Schedules: found.slice(start, start + PAGE).map(({ name, state, targetArn }) => ({
        Name: name,
        GroupName: "default",
        State: state,
        Target: { Arn: targetArn },
      })),
      ...(found.length > start + PAGE && { NextToken: String(start + PAGE) }),
    },
  };
}

function getSchedule(asked: string, { schedules }: Deployment): Answer {
  const found = schedules.find(({ name }) => name === asked);
  if (found === undefined) return failure("ResourceNotFoundException", `Schedule ${asked} does not exist.`, 404);
  const { name, state, expression, timeZone } = found;
  const body = { Name: name, State: state, ScheduleExpression: expression, ScheduleExpressionTimezone: timeZone };
  return { status: 200, body };
}

function getTable(asked: { DatabaseName: string; Name: string }, { tables }: Deployment): Answer {
  const table = tables.get(`${asked.DatabaseName}.${asked.Name}`);
  if (table === undefined) return failure("EntityNotFoundException", `Table ${asked.Name} not found.`);
  return { status: 200, body: { Table: table } };
}

function failure(code: string, message: string, status = 400): Answer {
  return { status, body: { __type: code, message, Message: message } };
}
