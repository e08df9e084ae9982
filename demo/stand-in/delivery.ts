import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Delivery, Reply } from "./reply.ts";

const MEBIBYTE = 1024 * 1024;

/** Sends a reply the way it is to go. A client that hangs up is no error. */
export async function deliver(reply: Reply, response: ServerResponse): Promise<void> {
  const { delivery } = reply;
  switch (delivery.how) {
    case "hang":
      return;
    case "reset":
      response.req.socket.resetAndDestroy();
      return;
    case "broken":
      writeHead(reply, response, reply.body.length);
      response.write(reply.body.subarray(0, reply.body.length >> 1), () => response.destroy());
      return;
    case "whole":
      writeHead(reply, response, reply.body.length);
      response.end(reply.body);
      return;
    case "trickle":
      writeHead(reply, response, reply.body.length);
      response.flushHeaders();
      await send(pieces(reply.body, delivery, response), response);
      return;
    case "padded": {
      const { mebibytes, announced } = delivery;
      writeHead(
        reply,
        response,
        announced ? PADDED_HEAD.length + mebibytes * MEBIBYTE + PADDED_TAIL.length : undefined,
      );
      await send(padded(mebibytes), response);
      return;
    }
  }
}

function writeHead(reply: Reply, response: ServerResponse, length: number | undefined): void {
  const announced = length === undefined || reply.status === 204 ? {} : { "content-length": String(length) };
  response.writeHead(reply.status, { ...reply.headers, ...announced });
}

/** Writes as fast as the client reads, until it is done or goes away. */
async function send(parts: AsyncIterable<Buffer> | Iterable<Buffer>, response: ServerResponse): Promise<void> {
  await pipeline(Readable.from(parts), response).catch(() => response.destroy());
}

async function* pieces(
  body: Buffer,
  { pieces, everyMs }: Extract<Delivery, { how: "trickle" }>,
  response: ServerResponse,
): AsyncGenerator<Buffer> {
  const size = Math.max(1, Math.ceil(body.length / pieces));
  for (let from = 0; from < body.length && !response.destroyed; from += size) {
    await delay(everyMs, undefined, { ref: false });
    yield body.subarray(from, from + size);
  }
}

const PADDED_HEAD = Buffer.from('{"total":0,"moreAvailable":false,"sessions":[],"padding":"');
const PADDED_TAIL = Buffer.from('"}');

function* padded(mebibytes: number): Generator<Buffer> {
  const padding = Buffer.alloc(MEBIBYTE, "x");
  yield PADDED_HEAD;
  for (let sent = 0; sent < mebibytes; sent++) yield padding;
  yield PADDED_TAIL;
}
