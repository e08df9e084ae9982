import { TapedText } from "../../functions/exporter/json-tape.ts";
import { parseAnswer, showWithout } from "../../functions/exporter/kore/answer.ts";
import { mapSession } from "../../functions/exporter/sessions/map.ts";
import { PlainSession } from "../../functions/exporter/sessions/plain-session.ts";
import type { BenchCase, Contender, Scale } from "../bench-case.ts";
import { sessionTexts } from "../sessions.ts";

const PAGE_SIZE = 100;

/** Pages as they come from the network to typed rows with their exact texts, against parsing alone. */
export function mapAndCut(scale: Scale): BenchCase {
  const sessions = scale === "full" ? 30_000 : 3_000;
  return {
    name: "map-and-cut",
    title: "Pages to typed rows",
    about:
      "The bytes of pages of 100 sessions are checked, cut into the sessions' exact texts, and typed. Beside it: only decoding and `JSON.parse`, " +
      "and rows mapped from parsed sessions with a text made by `JSON.stringify`, which is not the text that Kore sent. The lengths of all texts " +
      "are checked.",
    unit: "session",
    units: sessions,
    rounds: scale === "full" ? 15 : 3,
    warmUp: true,
    compares: true,
    prepare: async () => ({ contenders: contendersFor([...sessionTexts(sessions)]), cleanUp: async () => {} }),
    promises: () => [],
  };
}

function contendersFor(texts: readonly string[]): Contender[] {
  const pages = pagesOf(texts);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const contender = (name: string, bytesOf: (page: Buffer) => number): Contender => ({
    name,
    run: async () => {
      const started = performance.now();
      const found = pages.reduce((sum, page) => sum + bytesOf(page), 0);
      const elapsedMs = performance.now() - started;
      if (found !== bytes) throw new Error(`${name}: texts of ${found} bytes, not ${bytes}`);
      return { elapsedMs, figures: { "MB/s": bytes / 1_000 / elapsedMs } };
    },
  });
  const show = showWithout([]);
  const plain = new PlainSession();
  return [
    contender("ours: cut, and read from tokens", (page) => {
      const { sessions } = parseAnswer(page, show);
      return sessions.reduce((sum, session) => {
        const isPlain = session instanceof TapedText && plain.read(session);
        if (!isPlain) throw new Error(`a session is not plain: ${session.raw}`);
        return sum + plain.to - plain.from;
      }, 0);
    }),
    contender("only JSON.parse", (page) => {
      const { sessions } = JSON.parse(page.toString()) as { sessions: unknown[] };
      // There are no texts: what is left without the frame of the page, and the commas.
      return page.length - FRAME.join("").length - (sessions.length - 1);
    }),
    contender("JSON.stringify for cutting", (page) => {
      const { sessions } = JSON.parse(page.toString()) as { sessions: unknown[] };
      return sessions.reduce<number>((sum, value) => sum + mappedBytes(value), 0);
    }),
  ];
}

const FRAME = ['{"total":30000,"moreAvailable":true,"sessions":[', "]}"] as const;

function pagesOf(texts: readonly string[]): Buffer[] {
  const pages: Buffer[] = [];
  for (let at = 0; at < texts.length; at += PAGE_SIZE) {
    pages.push(Buffer.from(FRAME.join(texts.slice(at, at + PAGE_SIZE).join(","))));
  }
  return pages;
}

function mappedBytes(value: unknown): number {
  const mapped = mapSession({ raw: Buffer.from(JSON.stringify(value)), value });
  if ("rejected" in mapped) throw new Error(`a session was rejected: ${mapped.rejected}`);
  return mapped.row.raw.length;
}
