const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const COMMA = 44;
const COLON = 58;

/**
 * Exact texts of the elements of a top-level array member, cut out of a JSON object's UTF-8 text without
 * re-serialising: number spelling, key order, escapes and inner white space survive. The texts are views of `json`.
 *
 * `json` must be valid JSON and an object. As with `JSON.parse`, the last member of that name counts. Returns null
 * where there is no such member, or it is not an array.
 */
export function elementTexts(json: Buffer, member: string): Buffer[] | null {
  let texts: Buffer[] | null = null;
  let at = skipBlanks(json, json.indexOf(OPEN_BRACE) + 1);
  while (json[at] === QUOTE) {
    const keyEnd = endOfString(json, at);
    const key: unknown = JSON.parse(json.toString("utf8", at, keyEnd));
    const valueStart = skipBlanks(json, json.indexOf(COLON, keyEnd) + 1);
    const valueEnd = endOfValue(json, valueStart);
    if (key === member) texts = json[valueStart] === OPEN_BRACKET ? arrayElements(json, valueStart) : null;
    at = afterComma(json, valueEnd);
  }
  return texts;
}

function arrayElements(json: Buffer, openBracket: number): Buffer[] {
  const texts: Buffer[] = [];
  let at = skipBlanks(json, openBracket + 1);
  while (json[at] !== CLOSE_BRACKET) {
    const end = endOfValue(json, at);
    texts.push(json.subarray(at, end));
    at = afterComma(json, end);
  }
  return texts;
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

/** Space, tab, line feed, carriage return: the white space of RFC 8259, section 2. */
function isBlank(byte: number | undefined): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
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
