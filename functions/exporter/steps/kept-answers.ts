import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { objectKeys } from "../archive/listing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { ExporterError } from "../errors.ts";
import { KoreRefusal } from "../kore/refusal.ts";
import { type SessionsAnswer, type SessionsQuery, sessionOf } from "../kore/wire.ts";

const LINE_FEED = 10;

/** A page, or a refusal that is an answer to act on. */
export type KeptAnswer = SessionsAnswer | KoreRefusal;

/** An answer as it is held: texts only, since parsed sessions take twice as much memory again. */
type HeldAnswer = KoreRefusal | (Omit<SessionsAnswer, "sessions"> & { readonly texts: readonly Buffer[] });

interface Exchange {
  readonly query: string;
  readonly answer: HeldAnswer;
}

/** The line that stands before the texts of a page's sessions, or instead of a page. */
type Head = { readonly query: string } & (
  | { readonly refusal: { readonly status: number; readonly message: string } }
  | (Omit<SessionsAnswer, "sessions"> & { readonly bytes: readonly number[] })
);

/**
 * What Kore answered to the questions about one thing, in their order, kept in scratch by a few objects: one for each
 * turn of asking. A question that is put again gets the answers again; where it takes another course than before, what
 * was kept from there on counts no more.
 */
export class KeptAnswers {
  readonly #store: ArchiveStore;
  readonly #prefix: string;
  readonly #known: Exchange[];
  #chunks: number;
  #given = 0;
  readonly #fresh: Exchange[] = [];
  #freshBytes = 0;

  private constructor(store: ArchiveStore, prefix: string, known: Exchange[], chunks: number) {
    this.#store = store;
    this.#prefix = prefix;
    this.#known = known;
    this.#chunks = chunks;
  }

  /** Reads what is kept under a prefix, which ends with a slash. */
  static async load(store: ArchiveStore, prefix: string): Promise<KeptAnswers> {
    const known: Exchange[] = [];
    let chunks = 0;
    for await (const key of objectKeys(store, prefix)) {
      const object = await store.read(key);
      if (object === null) break;
      const { from, exchanges } = decode(await unpack(object.body));
      known.splice(from);
      known.push(...exchanges);
      chunks++;
    }
    return new KeptAnswers(store, prefix, known, chunks);
  }

  /** The answer that the next question was given before; null if it has to be asked. */
  again(query: SessionsQuery): KeptAnswer | null {
    const kept = this.#known[this.#given];
    if (kept?.query !== JSON.stringify(query)) {
      this.#known.splice(this.#given);
      return null;
    }
    this.#given++;
    return givenAgain(kept.answer);
  }

  /** Adds the answer to a question that had to be asked. */
  add(query: SessionsQuery, answer: KeptAnswer): void {
    const held = heldAnswer(answer);
    this.#fresh.push({ query: JSON.stringify(query), answer: held });
    if (held instanceof KoreRefusal) return;
    for (const text of held.texts) this.#freshBytes += text.length;
  }

  /** Length of the sessions' texts that were added since answers were kept last. */
  get freshBytes(): number {
    return this.#freshBytes;
  }

  /** Answers added since they were kept last. */
  get fresh(): number {
    return this.#fresh.length;
  }

  /** Answers in all. */
  get count(): number {
    return this.#known.length + this.#fresh.length;
  }

  /** Keeps what was added; `requests` is how many it took to get it. */
  async keep(requests: number): Promise<void> {
    if (requests === 0 && this.#fresh.length === 0) return;
    // Two turns that take each other for dead write two objects; whichever is read last counts, and what does not fit it is asked again.
    const name = `${String(this.#chunks).padStart(5, "0")}-${requests}-${randomUUID().slice(0, 8)}.gz`;
    await this.#store.writeIf(`${this.#prefix}${name}`, await pack(encode(this.#known.length, this.#fresh)), null);
    this.#known.push(...this.#fresh.splice(0));
    this.#freshBytes = 0;
    this.#chunks++;
  }
}

/** Requests that the answers kept below a prefix took. */
export async function requestsBelow(store: ArchiveStore, prefix: string): Promise<number> {
  let requests = 0;
  for await (const key of objectKeys(store, prefix))
    requests += Number(/\/\d{5,}-(\d+)-[0-9a-f]+\.gz$/.exec(key)?.[1] ?? 0);
  return requests;
}

const pack = (bytes: Buffer): Promise<Buffer> => promisify(gzip)(bytes, { level: 1 });
const unpack = promisify(gunzip);

/**
 * A line that says behind how many earlier answers these come (what was kept beyond that counts no more); then for each
 * answer a line of JSON, and the texts of its sessions without anything between them.
 */
function encode(from: number, exchanges: readonly Exchange[]): Buffer {
  return Buffer.concat([
    Buffer.from(`${from}\n`),
    ...exchanges.flatMap(({ query, answer }) => {
      if (answer instanceof KoreRefusal) {
        return [line({ query, refusal: { status: answer.status, message: answer.message } })];
      }
      const { texts, ...rest } = answer;
      return [line({ query, ...rest, bytes: texts.map((text) => text.length) }), ...texts];
    }),
  ]);
}

function heldAnswer(answer: KeptAnswer): HeldAnswer {
  if (answer instanceof KoreRefusal) return answer;
  const { sessions, ...rest } = answer;
  return { ...rest, texts: sessions.map(({ raw }) => raw) };
}

function givenAgain(answer: HeldAnswer): KeptAnswer {
  if (answer instanceof KoreRefusal) return answer;
  const { texts, ...rest } = answer;
  return { ...rest, sessions: texts.map(sessionOf) };
}

function line(head: Head): Buffer {
  return Buffer.from(`${JSON.stringify(head)}\n`);
}

function decode(bytes: Buffer): { readonly from: number; readonly exchanges: readonly Exchange[] } {
  const exchanges: Exchange[] = [];
  let at = bytes.indexOf(LINE_FEED) + 1;
  const from = Number(bytes.toString("utf8", 0, at));
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf(LINE_FEED, at);
    if (lineEnd === -1) throw new ExporterError("ERR_INTERNAL", "An answer kept in scratch is damaged. Run again.");
    const { query, ...head } = JSON.parse(bytes.toString("utf8", at, lineEnd)) as Head;
    at = lineEnd + 1;
    if ("refusal" in head) {
      exchanges.push({ query, answer: new KoreRefusal(head.refusal.status, head.refusal.message) });
      continue;
    }
    const { bytes: lengths, ...rest } = head;
    const texts = lengths.map((length) => {
      at += length;
      return bytes.subarray(at - length, at);
    });
    exchanges.push({ query, answer: { ...rest, texts } });
  }
  return { from, exchanges };
}
