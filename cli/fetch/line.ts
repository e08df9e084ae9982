/**
 * A session's JSON text on one line. Strings in JSON hold no raw line breaks (RFC 8259, section 7), so those that there are
 * stand between tokens, where a blank means the same. Everything else is kept as it was sent.
 */
export function asLine(raw: Buffer): string {
  return raw.toString().replaceAll(/[\r\n]+/g, " ");
}
