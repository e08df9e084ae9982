/** A number as it was written, such as `1.0` or `12345678901234567890`. `JSON.stringify` writes it the same way. */
export interface WrittenNumber {
  readonly rawJSON: string;
}

/** Source text access of ECMAScript 2026, which Node 24 has and TypeScript's library does not declare yet. */
const exactJson = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): WrittenNumber;
  isRawJSON(value: unknown): value is WrittenNumber;
};

/**
 * Parses JSON, each number as a `WrittenNumber`. Several times slower than `JSON.parse`.
 * Throws a RangeError where values are nested thousands deep.
 */
export function parseWithWrittenNumbers(text: string): unknown {
  return exactJson.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined ? exactJson.rawJSON(source) : value,
  );
}

/** True for a number that `parseWithWrittenNumbers` made. */
export function isWrittenNumber(value: unknown): value is WrittenNumber {
  return exactJson.isRawJSON(value);
}
