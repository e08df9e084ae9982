/**
 * Answers as the Sessions History API does, without a quota and without checking tokens, for the days of its arguments
 * (`2026-01-02=100000`). Prints one line of JSON, {"url": …}, and runs until it is killed.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { CONTAINMENT_TYPES } from "../../functions/exporter/contract.ts";
import { SerialisedSessions } from "./serialised-sessions.ts";

const sessions = new SerialisedSessions(
  process.argv.slice(2).map((argument) => {
    const [day = "", count] = argument.split("=");
    return { day, sessions: Number(count) };
  }),
);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { searchParams } = new URL(request.url ?? "/", "http://localhost");
  const { dateFrom, dateTo, skip = 0, limit = 100 } = JSON.parse(await text(request));
  const wanted = searchParams.get("containmentType");
  const type = CONTAINMENT_TYPES.find((each) => each === wanted) ?? null;
  const [from, to] = [Date.parse(dateFrom), Date.parse(dateTo)];
  const pieces = sessions.page({ type, from, to, skip, limit });
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": length });
  response.cork();
  for (const piece of pieces) response.write(piece);
  response.end();
}

const server = createServer({ noDelay: true }, (request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.destroy();
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
});
