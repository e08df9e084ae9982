import { gzipSync } from "node:zlib";
import type { DeliveryFault, PageFault } from "./faults.ts";
import type { Page } from "./reading.ts";
import { jsonReply, type Reply } from "./reply.ts";

const COMMA = Buffer.from(",");
const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/** The page with its counts as the faults falsify them. */
export function bendPage(page: Page, faults: readonly PageFault[]): Page {
  return faults.reduce(falsified, page);
}

function falsified(page: Page, fault: PageFault): Page {
  if (fault.kind === "total") return { ...page, total: falseTotal(page, fault.as) };
  return { ...page, moreAvailable: fault.as === "missing" ? undefined : fault.as };
}

function falseTotal({ total, rows }: Page, as: Extract<PageFault, { kind: "total" }>["as"]): unknown {
  switch (as) {
    case "rows-of-page":
      return rows.length;
    case "missing":
      return undefined;
    case "text":
      return String(total);
    case "null":
      return null;
    default:
      return Number(total) + as.offset;
  }
}

/** The page as it goes over HTTP, as the faults spoil it on the way. */
export function pageReply(page: Page, faults: readonly DeliveryFault[]): Reply {
  return faults.reduce(spoilt, jsonReply(200, pageBody(page)));
}

function pageBody({ rows, ...counts }: Page): Buffer {
  const { total, moreAvailable, invalidSessions } = counts;
  const head = JSON.stringify({ total, moreAvailable });
  const tail = invalidSessions === undefined ? "]}" : `],"invalidSessions":${JSON.stringify(invalidSessions)}}`;
  const opening = head === "{}" ? "{" : `${head.slice(0, -1)},`;
  const parts = rows.flatMap((row, index) => (index === 0 ? [row] : [COMMA, row]));
  return Buffer.concat([Buffer.from(`${opening}"sessions":[`), ...parts, Buffer.from(tail)]);
}

function spoilt(reply: Reply, fault: DeliveryFault): Reply {
  switch (fault.kind) {
    case "bom":
      return { ...reply, body: Buffer.concat([BYTE_ORDER_MARK, reply.body]) };
    case "gzip":
      return { ...reply, body: gzipSync(reply.body), headers: { ...reply.headers, "content-encoding": "gzip" } };
    case "cut-body":
      if (fault.as === "broken") return { ...reply, delivery: { how: "broken" } };
      return { ...reply, body: reply.body.subarray(0, reply.body.length >> 1) };
    case "trickle":
      return { ...reply, delivery: { how: "trickle", pieces: fault.pieces, everyMs: fault.everyMs } };
    case "huge-body":
      return { ...reply, delivery: { how: "padded", mebibytes: fault.mebibytes, announced: fault.announced ?? false } };
  }
}
