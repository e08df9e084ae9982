import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { fetch } from "undici";
import type { StandIn } from "../../demo/stand-in/server.ts";

/** The instant at which the stand-ins of these tests live. */
export const NOW_MS = Date.parse("2026-01-05T08:00:00.000Z");
export const BOT = "st-support-0001";
export const OTHER_BOT = "st-sales-0002";

export interface TokenParts {
  readonly secret?: string;
  readonly alg?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly nowMs?: number;
}

/** A token as Kore documents it; `claims` replace its members, `undefined` removes one. */
export function token({ secret, alg = "HS256", claims = {}, nowMs = NOW_MS }: TokenParts = {}): Promise<string> {
  const now = Math.floor(nowMs / 1000);
  const payload = { sub: "archive", appId: "cs-demo", iat: now, exp: now + 300, jti: randomUUID(), ...claims };
  return new SignJWT(payload)
    .setProtectedHeader({ alg, typ: "JWT" })
    .sign(new TextEncoder().encode(secret ?? "demo-secret-of-the-stand-in"));
}

export interface Question {
  /** Bot id, or "account". */
  readonly source?: string;
  readonly type?: string;
  readonly parameters?: string;
  readonly body?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly auth?: string;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** Sends one request with a fresh, good token and the day's window, unless the question says otherwise. */
export async function ask(standIn: StandIn, question: Question = {}): Promise<Answer> {
  const { source = BOT, type, headers, method = "POST", signal } = question;
  const path = source === "account" ? "getSessions" : `bot/${source}/getSessions`;
  const parameters = question.parameters ?? (type === undefined ? "" : `?containmentType=${type}`);
  const body = question.text ?? (question.body === undefined ? undefined : JSON.stringify(question.body));
  const response = await fetch(`${standIn.url}/api/public/${path}${parameters}`, {
    method,
    headers: { auth: question.auth ?? (await token()), "content-type": "application/json", ...headers },
    redirect: "manual",
    ...(body !== undefined && { body }),
    ...(signal !== undefined && { signal }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers as unknown as Headers };
}

export interface PageOfSessions {
  readonly total: number;
  readonly moreAvailable: boolean;
  readonly sessions: readonly Readonly<Record<string, unknown>>[];
  readonly invalidSessions?: readonly string[];
}

/** The parsed page; fails on anything but status 200. */
export async function page(standIn: StandIn, question: Question = {}): Promise<PageOfSessions> {
  const answer = await ask(standIn, question);
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.text}`);
  return JSON.parse(answer.text);
}

export function ids({ sessions }: PageOfSessions): unknown[] {
  return sessions.map((session) => session.sessionId);
}

/** A body that asks for a whole day, next midnight included. */
export function dayBody(day: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const fromMs = Date.parse(day);
  return {
    dateFrom: new Date(fromMs).toISOString(),
    dateTo: new Date(fromMs + 86_400_000).toISOString(),
    limit: 100,
    ...more,
  };
}

/** Pages through a list the way the API means it; `pageSize` rows at a time, until a page is empty or the last one. */
export async function readAll(standIn: StandIn, question: Question, pageSize = 100): Promise<PageOfSessions> {
  const sessions: Readonly<Record<string, unknown>>[] = [];
  for (;;) {
    const body = { ...(question.body as object), skip: sessions.length, limit: pageSize };
    const one = await page(standIn, { ...question, body });
    sessions.push(...one.sessions);
    if (!one.moreAvailable || one.sessions.length === 0) return { ...one, sessions };
  }
}
