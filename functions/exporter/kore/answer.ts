import { isUtf8 } from "node:buffer";
import { ExporterError } from "../errors.ts";
import { cutArray } from "../json-tape.ts";
import { elementTexts } from "../json-text.ts";
import { KoreFailure } from "./failure.ts";
import type { SessionsAnswer } from "./wire.ts";

/** Characters of an unexpected answer that an error shows. */
const SHOWN = 200;

/**
 * Reads the body of an answer with status 200. Unknown members pass; `total` may be a number or its text.
 *
 * Throws a `KoreFailure`: `passing` for JSON that was cut short, `strange` for what is not the API's answer at all, and
 * `final` for an encrypted payload, which no retry mends. What an error tells of the body, `show` has made fit.
 * Source: "Sample response" of Kore's page for the members, "Enforce Request and Response Payload Encryption" of its API
 * introduction for encrypted ones.
 */
export function parseAnswer(body: Buffer, show: Show): SessionsAnswer {
  const cut = isUtf8(body) ? cutArray(body, "sessions") : null;
  if (cut === null) return parseWhole(body, show);
  return answerOf(cut.rest, show, () => cut.elements);
}

/** For an answer that is no page, or an unusual one: what it says is parsed as a whole. */
function parseWhole(body: Buffer, show: Show): SessionsAnswer {
  const text = body.toString();
  return answerOf(text, show, (sent) => {
    // A byte that is no UTF-8 could not be archived as text; it becomes U+FFFD, as it did in `sent`.
    const texts = elementTexts(isUtf8(body) ? body : Buffer.from(text), "sessions") ?? [];
    return texts.map((raw, index) => ({ raw, value: sent[index] }));
  });
}

/** The answer that a text tells, whose list of sessions `read` gives. */
function answerOf(
  text: string,
  show: Show,
  read: (sent: readonly unknown[]) => SessionsAnswer["sessions"],
): SessionsAnswer {
  const value = parseJson(text, show);
  if (typeof value === "string" && looksEncrypted(value)) throw encrypted();
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw notTheApi(show(text));
  const answer = value as Readonly<Record<string, unknown>>;
  const total = wholeNumber(answer.total);
  if (Array.isArray(answer.errors) && answer.errors.length > 0) throw saidErrors(whatTheApiSaid(text, show));
  const sent = answer.sessions;
  if (!Array.isArray(sent)) {
    if (total === 0 && sent == null) return page(answer, total, []);
    throw sent === undefined && total === null && answer.errors === undefined ? encrypted() : notTheApi(show(text));
  }
  return page(answer, total, read(sent));
}

function page(
  answer: Readonly<Record<string, unknown>>,
  total: number | null,
  sessions: SessionsAnswer["sessions"],
): SessionsAnswer {
  const more = answer.moreAvailable;
  const invalid = answer.invalidSessions;
  return {
    total,
    moreAvailable: typeof more === "boolean" ? more : null,
    sessions,
    invalidSessions: Array.isArray(invalid)
      ? invalid.map((id) => (typeof id === "string" ? id : JSON.stringify(id)))
      : [],
  };
}

function parseJson(text: string, show: Show): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: V8 quotes the text in it.
    if (/^\s*\{/.test(text)) {
      const error = new ExporterError(
        "ERR_KORE_UNAVAILABLE",
        "Kore's answer broke off in the middle of its JSON. Run again later; if it stays so, set KORE_PAGE_SIZE lower.",
      );
      throw new KoreFailure("passing", error);
    }
    throw looksEncrypted(text.trim()) ? encrypted() : notTheApi(show(text));
  }
}

/** A count, as a number or as its text; anything else is not a count. */
function wholeNumber(value: unknown): number | null {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** One long run of base64 (dots part a JWE): no page of ours, and no page of a proxy either. */
function looksEncrypted(text: string): boolean {
  return text.length >= 32 && /^[A-Za-z0-9+/_=.-]+$/.test(text);
}

function encrypted(): KoreFailure {
  const message =
    "Kore's answer holds no `sessions`: the app seems to enforce encrypted payloads. " +
    "Turn off 'Enforce Request and Response Payload Encryption' for this app in Kore, or use another app.";
  return new KoreFailure("final", new ExporterError("ERR_KORE_ENCRYPTED", message));
}

function saidErrors(said: string): KoreFailure {
  const message = `Kore answered 200, but with errors: ${said}. Run again later; check the bot id if it stays so.`;
  return new KoreFailure("strange", new ExporterError("ERR_KORE_REFUSED", message));
}

/**
 * The messages of Kore's error envelope, `{"errors":[{"msg","code"}]}`, as `show` makes them fit; else the beginning of
 * the text, as `showOther` does.
 */
export function whatTheApiSaid(text: string, show: Show, showOther: Show = show): string {
  try {
    const body: unknown = JSON.parse(text);
    const errors = (body as { errors?: unknown } | null)?.errors;
    if (!Array.isArray(errors)) return showOther(text);
    const parts = errors.map((error: { msg?: unknown; code?: unknown } | null) => {
      const msg = typeof error?.msg === "string" ? error.msg : JSON.stringify(error?.msg ?? error);
      return error?.code === undefined ? msg : `${msg} (code ${JSON.stringify(error.code)})`;
    });
    return show(parts.join("; "));
  } catch {
    return showOther(text);
  }
}

function notTheApi(start: string): KoreFailure {
  const message =
    `The answer is not one of the Sessions History API; it ${start === "" ? "is empty" : `starts with: ${start}`}. ` +
    "Check KORE_HOST, and any proxy between here and Kore.";
  return new KoreFailure("strange", new ExporterError("ERR_KORE_NOT_THE_API", message));
}

/** Makes text from outside fit to be shown in an error. */
export type Show = (text: string) => string;

/**
 * Takes secrets out of a text (a server may send back what it was sent), then gives its beginning, on one line and
 * without control characters.
 */
export function showWithout(secrets: readonly string[]): Show {
  return (text) => {
    const forms = secrets.filter((secret) => secret !== "").flatMap(formsOf);
    const redacted = forms.reduce((rest, form) => rest.replaceAll(form, "[secret]"), text);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a foreign text must not steer the reader's terminal.
    const line = redacted.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, " ").trim();
    return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
  };
}

/** Shows nothing of a text but how long it is: for answers that may quote personal data. */
export const notShown: Show = (text) => (text === "" ? "" : `[${text.length} characters, not shown for KORE_PII]`);

/** A secret as it stands in plain text, in an address, and in JSON, with and without escaped slashes. */
function formsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [secret, encodeURIComponent(secret), inJson, inJson.replaceAll("/", "\\/")];
}
