import { type ErrorCode, ExporterError } from "../errors.ts";
import { KoreRefusal } from "../kore/refusal.ts";

/** An error as a step's result can hold it. */
export interface ToldError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Of a `KoreRefusal`. */
  readonly status?: number;
}

/** Messages are shortened to this, so that any result that holds one is small. */
const LONGEST_MESSAGE = 1_000;

/** The error as JSON, without its cause. */
export function tellError(error: ExporterError): ToldError {
  const message = shortened(error.message);
  return { code: error.code, message, ...(error instanceof KoreRefusal && { status: error.status }) };
}

/** The error again; its stack is that of whoever asks. */
export function revivedError({ code, message, status }: ToldError): ExporterError {
  return status === undefined ? new ExporterError(code, message) : new KoreRefusal(status, message);
}

/** The text, cut where it is too long for a step's result. */
export function shortened(message: string): string {
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
}
