import { ASCII, isBlank } from "./ascii.ts";

const { SPACE, QUOTE, PLUS, MINUS, POINT, ZERO, BACKSLASH, LOWER_E, LOWER_U } = ASCII;

/*
 * Where JSON's tokens end, by RFC 8259. An index beyond the text finds no byte, and so nothing that is valid.
 */

/** In place of an index: what stands there is not valid. */
export const INVALID = -1;
/** In place of where a string ends: it is none, or not valid. */
export const NO_STRING = 0;

const LITERALS: Readonly<Record<number, string>> = { 116: "true", 102: "false", 110: "null" };

/** Tables by byte: 1 for each that belongs. */
const tableOf = (belongs: (byte: number) => boolean) => Uint8Array.from({ length: 256 }, (_, byte) => +belongs(byte));
const STANDS_FOR_ITSELF = tableOf((byte) => byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH);
const ESCAPED = tableOf((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));
const HEX_DIGIT = tableOf((byte) => /[\dA-Fa-f]/.test(String.fromCharCode(byte)));

/** Index behind a string, negative if there are escapes in it; `NO_STRING` if it is none. */
export function stringEnd(json: Buffer, start: number): number {
  const end = afterPlain(json, start + 1);
  return json[end] === QUOTE ? end + 1 : escapedStringEnd(json, end);
}

/** The same from a string's first backslash on. */
function escapedStringEnd(json: Buffer, backslash: number): number {
  let at = backslash;
  while (json[at] === BACKSLASH) {
    const length = escapeLength(json, at);
    if (length === 0) return NO_STRING;
    at = afterPlain(json, at + length);
  }
  return json[at] === QUOTE ? -at - 1 : NO_STRING;
}

function afterPlain(json: Buffer, start: number): number {
  let at = start;
  while (STANDS_FOR_ITSELF[json[at] ?? 0] === 1) at++;
  return at;
}

/** 0 if it is no escape. */
function escapeLength(json: Buffer, backslash: number): number {
  const escaped = json[backslash + 1] ?? 0;
  if (ESCAPED[escaped] === 1) return 2;
  if (escaped !== LOWER_U) return 0;
  for (let at = backslash + 2; at < backslash + 6; at++) if (HEX_DIGIT[json[at] ?? 0] !== 1) return 0;
  return 6;
}

/** Index behind a number, `true`, `false` or `null`; `INVALID` if it is none of these. */
export function scalarEnd(json: Buffer, start: number, first: number): number {
  const literal = LITERALS[first];
  return literal === undefined ? afterNumber(json, start) : afterLiteral(json, start, literal);
}

function afterLiteral(json: Buffer, start: number, literal: string): number {
  for (let index = 1; index < literal.length; index++) {
    if (json[start + index] !== literal.charCodeAt(index)) return INVALID;
  }
  return start + literal.length;
}

function afterNumber(json: Buffer, start: number): number {
  let at = json[start] === MINUS ? start + 1 : start;
  at = json[at] === ZERO ? at + 1 : afterDigits(json, at);
  if (at > 0 && json[at] === POINT) at = afterDigits(json, at + 1);
  if (at > 0 && ((json[at] ?? 0) | 0x20) === LOWER_E) {
    const sign = json[at + 1];
    at = afterDigits(json, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
  }
  return at;
}

/** One digit at least. */
function afterDigits(json: Buffer, start: number): number {
  let at = start;
  for (let byte = json[at] ?? 0; byte >= ZERO && byte <= ZERO + 9; byte = json[at] ?? 0) at++;
  return at === start ? INVALID : at;
}

/** Index of the first byte that is no blank. Most JSON has none: that is asked first, as it costs least. */
export function afterBlanks(json: Buffer, start: number): number {
  return (json[start] ?? 0) > SPACE ? start : afterSomeBlanks(json, start);
}

function afterSomeBlanks(json: Buffer, start: number): number {
  let at = start;
  while (isBlank(json[at])) at++;
  return at;
}
