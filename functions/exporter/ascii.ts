/** Bytes that JSON's tokens and Kore's instants are told by. */
export const ASCII = {
  SPACE: 32,
  QUOTE: 34,
  PLUS: 43,
  COMMA: 44,
  MINUS: 45,
  POINT: 46,
  ZERO: 48,
  COLON: 58,
  UPPER_T: 84,
  UPPER_Z: 90,
  OPEN_BRACKET: 91,
  BACKSLASH: 92,
  CLOSE_BRACKET: 93,
  LOWER_E: 101,
  LOWER_F: 102,
  LOWER_N: 110,
  LOWER_T: 116,
  LOWER_U: 117,
  OPEN_BRACE: 123,
  CLOSE_BRACE: 125,
  DELETE: 127,
} as const;

/** Space, tab, line feed, carriage return: the white space of RFC 8259, section 2. */
export function isBlank(byte: number | undefined): boolean {
  return byte === ASCII.SPACE || byte === 10 || byte === 13 || byte === 9;
}
