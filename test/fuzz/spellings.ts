import { gunzipSync, gzipSync } from "node:zlib";
import type { Random } from "../../demo/stand-in/random.ts";
import { pick } from "./pick.ts";

type Spelling = (text: string) => string;

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** The last letter before `=` has bits that mean nothing. */
const spareBit: Spelling = (text) =>
  text.replace(/[A-Za-z0-9+/](?==)/, (letter) => BASE64[BASE64.indexOf(letter) ^ 1] ?? letter);

/** Other bytes that many a reader takes for the same text. */
const OF_TEXT: Readonly<Record<string, Spelling>> = {
  "lines end as on Windows": (text) => text.replaceAll("\n", "\r\n"),
  "a byte order mark": (text) => `\xef\xbb\xbf${text}`,
  "a blank in front": (text) => ` ${text}`,
  "a blank after the first colon": (text) => text.replace(":", ": "),
  "a blank before the last brace": (text) => text.replace(/\}(?=[^}]*$)/, " }"),
  "a blank at the end of the first line": (text) => text.replace("\n", " \n"),
  "a letter as an escape": (text) => text.replace('"dt"', '"\\u0064t"'),
  "a hash in upper case": (text) => text.replace(/[0-9a-f]{64}/, (hash) => hash.toUpperCase()),
  "a number with a fraction of nothing": (text) => text.replace(/:(\d+)(?=[,}])/, ":$1.0"),
  "a member twice": (text) => text.replace("{", '{"number":1,'),
  "a member that means nothing": (text) => text.replace(/\}(?=\n)/, ',"note":1}'),
  "a spare bit in base64": spareBit,
  "base64 without padding": (text) => text.replace(/={1,2}(?=["\n])/, ""),
  "base64 in the alphabet of addresses": (text) =>
    text.replace("+", "-").replace(/(?<=[A-Za-z0-9])\/(?=[A-Za-z0-9])/, "_"),
  "the first line twice": (text) => text.replace(/^.*\n/, "$&$&"),
  "the lines in another order": (text) =>
    text
      .split(/(?<=\n)/)
      .reverse()
      .join(""),
  "no line feed at the end": (text) => text.replace(/\n$/, ""),
};

type Packing = (packed: Buffer) => Buffer;

/** Other bytes that unpack to the same. */
const OF_GZIP: Readonly<Record<string, Packing>> = {
  "packed less": (packed) => gzipSync(gunzipSync(packed), { level: 1 }),
  "packed with an empty member": (packed) => Buffer.concat([packed, gzipSync("")]),
  "packed with a time": (packed) => Buffer.concat([packed.subarray(0, 4), Buffer.from([1]), packed.subarray(5)]),
};

/** Returns the bytes of a file in another spelling of the same, and which; null where it has none. */
export function respelt(name: string, bytes: Buffer, random: Random): { what: string; bytes: Buffer } | null {
  if (name.endsWith(".parquet")) return null;
  const text = bytes.toString("latin1");
  const spellings = name.endsWith(".gz")
    ? Object.entries(OF_GZIP).map(([what, packing]) => ({ what, bytes: packing(bytes) }))
    : Object.entries(OF_TEXT).map(([what, spelling]) => ({ what, bytes: Buffer.from(spelling(text), "latin1") }));
  return pick(
    random,
    spellings.filter((one) => !one.bytes.equals(bytes)),
  );
}
