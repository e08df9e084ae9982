/** Exports the day of its argument as the deployed plain function would, given all the time it needs; settings as there. */
import type { Context } from "aws-lambda";
import { handler } from "../functions/exporter/handler.ts";

const [date] = process.argv.slice(2);
const endless = 2 ** 31 - 1;
const context = { getRemainingTimeInMillis: () => endless, awsRequestId: "bench" } as Context;
console.log(JSON.stringify(await handler({ date }, context)));
