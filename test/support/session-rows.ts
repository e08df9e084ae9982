import fc from "fast-check";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import { sessionRow } from "./session-file.ts";

/** Rows that differ in their ids, and in what `values` gives. */
export function numbered(count: number, values: (index: number) => Partial<SessionRow> = () => ({})): SessionRow[] {
  return Array.from({ length: count }, (_, index) => sessionRow({ session_id: `s-${index}`, ...values(index) }));
}

/** Texts that exporters and readers are known to damage, each with a name. */
export const ODD_TEXTS = [
  ["an emoji", "😀 hi"],
  ["a joined emoji", "👩‍👩‍👧‍👦"],
  ["full-width punctuation", "！「全角」"],
  ["right-to-left text", "مرحبا עולם"],
  ["a direction mark", "\u202Eabc"],
  ["quotes and backslashes", `"it's" \\ \`x\``],
  ["line breaks and tabs", "a\r\nb\n\tc\u2028"],
  ["NUL", "a\0b"],
  ["U+FFFD and the last code point", "\uFFFD\u{10FFFF}"],
  ["an unnormalised text", "e\u0301 \u00E9"],
  ["blanks", "  x  "],
  ["the empty text", ""],
  ["a long text", "ab😀".repeat(50_000)],
] as const;

/** Rows of any values that a row's type allows. */
export function arbitraryRow(): fc.Arbitrary<SessionRow> {
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.constantFrom(...ODD_TEXTS.slice(0, -1).map(([, odd]) => odd), "\uD800", "\uFEFF"),
  );
  const optionalText = fc.option(text);
  const instant = fc.oneof(
    fc
      .date({ min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
      .map(Number),
    fc.integer({ min: -3, max: 3 }),
  );
  const integer = fc
    .oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -3n, max: 3n }))
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
  const tags = fc.option(fc.array(fc.option(fc.record({ name: optionalText, value: optionalText })), { maxLength: 6 }));
  return fc.record({
    session_id: text,
    bot_id: optionalText,
    channel: optionalText,
    user_id: optionalText,
    start_time: instant,
    end_time: fc.option(instant),
    session_lang: fc.option(fc.array(optionalText, { maxLength: 6 })),
    session_type: optionalText,
    session_status: optionalText,
    is_developer: fc.option(fc.boolean()),
    user_tags: tags,
    session_tags: tags,
    alt_text: tags,
    messages_exchanged: fc.option(integer),
    tasks_executed: fc.option(integer),
    raw: text.map((value) => Buffer.from(value)),
  });
}
