const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** Digits of the largest 64-bit integer. */
const MAX_DIGITS = 19;

/**
 * The integer that a decimal number amounts to (`12`, ` -3 `, `3.0`, `1.5e1`), or null where it is no number, has a
 * fraction, or does not fit 64 signed bits. Exact: a bigint beyond what a number holds.
 */
export function parseInteger(text: string): number | bigint | null {
  const match = DECIMAL.exec(text.trim());
  if (!match) return null;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.slice(0, endOfSignificant(digits));
  if (significant === "") return 0;
  const zeros = digits.length - significant.length + Number(exponent) - fraction.length;
  if (zeros < 0 || significant.length + zeros > MAX_DIGITS) return null;
  const value = BigInt(sign + significant + "0".repeat(zeros));
  if (BigInt.asIntN(64, value) !== value) return null;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** Index after the last digit that is not 0. A regular expression would take quadratic time on hostile digits. */
function endOfSignificant(digits: string): number {
  let end = digits.length;
  while (end > 0 && digits.charAt(end - 1) === "0") end--;
  return end;
}
