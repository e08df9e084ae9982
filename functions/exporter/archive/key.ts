import { ExporterError } from "../errors.ts";

/**
 * True if the key can name an object of an archive: segments parted by `/`, none of them empty or starting with a dot
 * (which rules out `..`, and everything a folder keeps for itself), no backslash, no control character, and no U+FFFD,
 * which stands for bytes that are no UTF-8.
 *
 * A key that stands in a file of the archive is not to be trusted: check it here before reading what it points to.
 */
export function isKey(key: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\\\u0000-\u001f\u007f\ufffd]/.test(key) || !key.isWellFormed()) return false;
  return key.split("/").every((segment) => segment !== "" && !segment.startsWith("."));
}

/** Returns the key. Throws `ERR_INTERNAL` if `isKey` says no: nothing outside of the archive is ever touched. */
export function checkedKey(key: string): string {
  if (isKey(key)) return key;
  throw new ExporterError(
    "ERR_INTERNAL",
    `${JSON.stringify(key)} is not a key of an archive. Nothing was read or written. ` +
      "A ledger record that lists it was tampered with; otherwise please report this.",
  );
}
