import { ASCII, isBlank } from "./ascii.ts";

const { QUOTE, COMMA, COLON, OPEN_BRACKET, BACKSLASH, CLOSE_BRACKET, LOWER_N, OPEN_BRACE, CLOSE_BRACE } = ASCII;

/*
 * Walks over JSON as the UTF-8 text that it is, so that number spelling, key order, escapes and inner white space can
 * survive. Every function here wants valid JSON.
 */

/** Where a value stands in a text: from its first byte to behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of an object: its key, unescaped, and its value. */
export interface Member extends Span {
  readonly key: string;
}

/**
 * Exact texts of the elements of a top-level array member, cut out of a JSON object's text without re-serialising. The
 * texts are views of `json`.
 *
 * As with `JSON.parse`, the last member of that name counts. Returns null where there is no such member, or it is not
 * an array.
 */
export function elementTexts(json: Buffer, member: string): Buffer[] | null {
  let texts: Buffer[] | null = null;
  for (const { key, start } of membersOf(json, json.indexOf(OPEN_BRACE))) {
    if (key !== member) continue;
    const isArray = json[start] === OPEN_BRACKET;
    texts = isArray
      ? Array.from(elementsOf(json, start), (element) => json.subarray(element.start, element.end))
      : null;
  }
  return texts;
}

/** What kind of value begins at an index. */
export function kindAt(json: Buffer, start: number): "object" | "array" | "string" | "null" | "scalar" {
  const first = json[start];
  if (first === OPEN_BRACE) return "object";
  if (first === OPEN_BRACKET) return "array";
  if (first === QUOTE) return "string";
  return first === LOWER_N ? "null" : "scalar";
}

/** The members of the object whose brace stands at an index, repeated ones included. */
export function* membersOf(json: Buffer, openBrace: number): Generator<Member> {
  let at = skipBlanks(json, openBrace + 1);
  while (json[at] === QUOTE) {
    const keyEnd = endOfString(json, at);
    const start = skipBlanks(json, json.indexOf(COLON, keyEnd) + 1);
    const end = endOfValue(json, start);
    yield { key: stringAt(json, at, keyEnd), start, end };
    at = afterComma(json, end);
  }
}

/** The elements of the array whose bracket stands at an index. */
export function* elementsOf(json: Buffer, openBracket: number): Generator<Span> {
  let at = skipBlanks(json, openBracket + 1);
  while (json[at] !== CLOSE_BRACKET) {
    const end = endOfValue(json, at);
    yield { start: at, end };
    at = afterComma(json, end);
  }
}

/** The members at any depth whose key is wanted, but for those within one that was given. */
export function* membersAnywhere(json: Buffer, wanted: (key: string) => boolean): Generator<Span> {
  let at = 0;
  while (at < json.length) {
    if (json[at] !== QUOTE) {
      at++;
      continue;
    }
    const end = endOfString(json, at);
    const next = skipBlanks(json, end);
    const isKey = json[next] === COLON && wanted(stringAt(json, at, end));
    at = next;
    if (!isKey) continue;
    const start = skipBlanks(json, next + 1);
    at = endOfValue(json, start);
    yield { start, end: at };
  }
}

function stringAt(json: Buffer, openQuote: number, end: number): string {
  return JSON.parse(json.toString("utf8", openQuote, end)) as string;
}

/** Index of the next token after a value, the comma behind it left out. */
function afterComma(json: Buffer, valueEnd: number): number {
  const at = skipBlanks(json, valueEnd);
  return json[at] === COMMA ? skipBlanks(json, at + 1) : at;
}

function skipBlanks(json: Buffer, from: number): number {
  let at = from;
  while (isBlank(json[at])) at++;
  return at;
}

/** Index after the value that starts at `start`. */
function endOfValue(json: Buffer, start: number): number {
  const first = json[start];
  if (first === QUOTE) return endOfString(json, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfContainer(json, start);
  let at = start;
  while (at < json.length && !endsScalar(json[at])) at++;
  return at;
}

function endsScalar(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isBlank(byte);
}

function endOfContainer(json: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  for (;;) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = endOfString(json, at);
      continue;
    }
    at++;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at;
  }
}

/** Index after the closing quote. No byte of a longer UTF-8 sequence looks like a quote or a backslash. */
function endOfString(json: Buffer, openQuote: number): number {
  let at = openQuote + 1;
  while (json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}
