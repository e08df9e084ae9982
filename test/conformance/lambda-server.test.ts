import { GetDurableExecutionCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type LambdaServer, startLambdaServer } from "../support/lambda-server.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const clock = new VirtualClock("2026-02-01T00:00:00Z");
let server: LambdaServer;
let client: LambdaClient;
beforeAll(async () => {
  server = await startLambdaServer({ clock, functionName: "exporter" });
  client = new LambdaClient({ endpoint: server.url, region: "us-east-1", credentials });
});
afterAll(async () => {
  client.destroy();
  await server.close();
});

const start = (DurableExecutionName: string, Payload = "{}") =>
  client.send(
    new InvokeCommand({ FunctionName: "exporter:live", InvocationType: "Event", DurableExecutionName, Payload }),
  );
const look = (DurableExecutionArn: string | undefined) =>
  client.send(new GetDurableExecutionCommand({ DurableExecutionArn }));
const startUnnamed = (FunctionName: string, InvocationType: "Event" | "RequestResponse" = "Event") =>
  client.send(new InvokeCommand({ FunctionName, InvocationType, Payload: "{}" }));

describe("the Lambda test server", () => {
  test("starts an execution once for each name and payload, and refuses the name for another payload", async () => {
    const first = await start("one");
    expect(first.StatusCode).toBe(202);
    expect(first.DurableExecutionArn).toMatch(
      /^arn:aws:lambda:us-east-1:123456789012:function:exporter:7\/durable-execution\/one\//,
    );
    expect((await start("one")).DurableExecutionArn).toBe(first.DurableExecutionArn);
    await expect(start("one", '{"other":1}')).rejects.toMatchObject({
      name: "DurableExecutionAlreadyStartedException",
    });
    await expect(start("a.b")).rejects.toMatchObject({ name: "InvalidParameterValueException" });
    expect(server.executions.filter(({ name }) => name === "one")).toHaveLength(1);
  });

  test("tells how an execution stands, and how it ended", async () => {
    const { DurableExecutionArn: arn } = await start("two");
    expect(await look(arn)).toMatchObject({ Status: "RUNNING", DurableExecutionName: "two" });
    server.end("two", { status: "SUCCEEDED", result: { left: 0 } });
    expect(await look(arn)).toMatchObject({
      Status: "SUCCEEDED",
      Result: '{"left":0}',
      EndTimestamp: new Date(clock.now()),
    });
    const { DurableExecutionArn: other } = await start("three");
    server.end("three", { status: "FAILED", errorType: "ERR_X", errorMessage: "why" });
    expect(await look(other)).toMatchObject({ Status: "FAILED", Error: { ErrorType: "ERR_X", ErrorMessage: "why" } });
    await expect(look(`${arn}0`)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test("starts an execution of its own each time if none is named", async () => {
    const { DurableExecutionArn: first } = await startUnnamed("exporter:live");
    const { DurableExecutionArn: second } = await startUnnamed(`${server.arn}:live`);
    expect(first).not.toBe(second);
    expect(await look(first)).toMatchObject({ Status: "RUNNING" });
  });

  test("refuses to be waited for, a durable function without an alias, an unknown one, and whatever a test says", async () => {
    const wrong = { name: "InvalidParameterValueException" };
    await expect(startUnnamed("exporter:live", "RequestResponse")).rejects.toMatchObject(wrong);
    await expect(startUnnamed("exporter")).rejects.toMatchObject(wrong);
    await expect(startUnnamed("other:live")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    server.fail(403, "AccessDeniedException");
    await expect(startUnnamed("exporter:live")).rejects.toMatchObject({ name: "AccessDeniedException" });
  });

  test("runs no executions of a plain function, and refuses their names", async () => {
    const plain = await startLambdaServer({ clock, functionName: "plain", durable: false });
    onTestFinished(() => plain.close());
    const asked = new LambdaClient({ endpoint: plain.url, region: "us-east-1", credentials });
    const event = { FunctionName: "plain:live", InvocationType: "Event", Payload: "{}" } as const;
    const answer = await asked.send(new InvokeCommand(event));
    expect(answer).toMatchObject({ StatusCode: 202 });
    expect(answer.DurableExecutionArn).toBeUndefined();
    await expect(asked.send(new InvokeCommand({ ...event, DurableExecutionName: "n" }))).rejects.toThrow("durable");
    asked.destroy();
  });
});
