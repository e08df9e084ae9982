/** The containment types that the API filters by. */
export const CONTAINMENT_TYPES = ["dropOff", "selfService", "agent"] as const;
export type ContainmentType = (typeof CONTAINMENT_TYPES)[number];

/** A session as a JSON value, with the members that the API's documentation shows. */
export type Session = Record<string, unknown>;

export const DAY_MS = 86_400_000;

interface StoredSessionParts {
  readonly botId: string;
  readonly order: number;
  readonly startMs: number;
  readonly containmentType: string | null;
  readonly content: { readonly session: Session } | { readonly text: string };
}

/** One session of the store, with what the API files it under. */
export class StoredSession {
  readonly botId: string;
  /** Place among the sessions that started in the same millisecond. */
  readonly order: number;
  readonly startMs: number;
  /** The containment type it is returned under; null or an unknown one: only without a containment type. */
  readonly containmentType: string | null;
  readonly #content: StoredSessionParts["content"];
  #bytes: Buffer | undefined;

  constructor(parts: StoredSessionParts) {
    this.botId = parts.botId;
    this.order = parts.order;
    this.startMs = parts.startMs;
    this.containmentType = parts.containmentType;
    this.#content = parts.content;
  }

  /** The session as a value; empty when it was stored as a text that is no JSON object. */
  get session(): Session {
    return "session" in this.#content ? this.#content.session : objectOf(this.#content.text);
  }

  /** The session's JSON, exactly as it goes over the wire. */
  get text(): string {
    return "text" in this.#content ? this.#content.text : JSON.stringify(this.#content.session);
  }

  /** `text` in UTF-8, made once. */
  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(this.text);
    return this.#bytes;
  }

  get sessionId(): string | null {
    const { sessionId } = this.session;
    return typeof sessionId === "string" ? sessionId : null;
  }
}

function objectOf(text: string): Session {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Session) : {};
}

/** Newest first; of one millisecond, the one stored first comes first. */
export function newestFirst(a: StoredSession, b: StoredSession): number {
  return b.startMs - a.startMs || a.order - b.order;
}

/** The pairs of a session's userTags and sessionTags that have a name. */
export function namedTags(session: Session): { readonly name: string; readonly value: unknown }[] {
  const tags = session.tags;
  if (typeof tags !== "object" || tags === null) return [];
  const { userTags, sessionTags } = tags as Session;
  return [userTags, sessionTags]
    .flatMap((list): unknown[] => (Array.isArray(list) ? list : []))
    .filter((tag): tag is Session => typeof tag === "object" && tag !== null)
    .flatMap(({ name, value }) => (typeof name === "string" ? [{ name, value }] : []));
}
