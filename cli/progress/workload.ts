import type { KoreEvent } from "../../functions/exporter/kore/client.ts";
import type { QuotaLimits } from "../../functions/exporter/kore/quota.ts";
import { timeForRequests } from "./quota-time.ts";

/** What a run is about to do. */
export interface RunPlan {
  /**
   * The parts of each source's work in their order, such as days; those that are not among them come one by one, with none
   * to follow. Null: nobody knows what follows.
   */
  readonly parts: readonly string[] | null;
  /** What the parts are called. */
  readonly partName: string;
  readonly sources: number;
  readonly quota: QuotaLimits;
  readonly pageSize: number;
  /** About how many requests so many sessions in so many parts take. */
  readonly requestsFor: (sessions: number, parts: number, pageSize: number) => number;
}

/** Why a source waits, in words, and until when. */
export interface Wait {
  readonly why: string;
  readonly until: number;
}

interface Part {
  received: number;
  expected: number | null;
  isDone: boolean;
}

/** What is known of the work for one source: done, still to do, and how fast it goes. Instants in milliseconds since 1970. */
export class Workload {
  readonly #plan: RunPlan;
  readonly #parts = new Map<string, Part>();
  #latest: string | null = null;
  readonly #ended: number[] = [];
  #requests = 0;
  #requestsMs = 0;
  #pages = 0;
  #rows = 0;
  #lastFailure = "no answer from Kore";
  #wait: Wait | null = null;

  constructor(plan: RunPlan) {
    this.#plan = plan;
  }

  /** More sessions of a part were received; `expected` is what Kore promises for all of it, if that is known. */
  progress(name: string, received: number, expected: number | null): void {
    const part = this.#part(name);
    part.received += received;
    part.expected = expected ?? part.expected;
    part.isDone = false;
  }

  /** A part is done; it had so many sessions. */
  done(name: string, sessions: number | null): void {
    const part = this.#part(name);
    const count = sessions ?? part.expected ?? part.received;
    this.#parts.set(name, { received: count, expected: count, isDone: true });
  }

  event(event: KoreEvent, now: number): void {
    if (event.kind === "waiting") {
      const why = event.reason === "quota" ? "quota reached" : this.#lastFailure;
      this.#wait = { why, until: now + event.ms };
      return;
    }
    this.#wait = null;
    this.#remember(now);
    this.#requests++;
    this.#requestsMs += event.ms;
    this.#lastFailure = event.kind === "answered" ? saidBy(event.status) : "no answer from Kore";
    const isPage = event.kind === "answered" && event.query.limit !== 1 && event.rows !== null && event.rows > 0;
    if (!isPage) return;
    this.#pages++;
    this.#rows += event.rows ?? 0;
  }

  get wait(): Wait | null {
    return this.#wait;
  }

  /** Sessions received, those read again not counted. */
  get received(): number {
    return this.#sum(({ received, expected }) => (expected === null ? received : Math.min(received, expected)));
  }

  /** Sessions in all, as far as they are known; `isGuess` if parts that have not begun are taken to be like the others. */
  get all(): { readonly sessions: number; readonly isGuess: boolean } {
    const begun = this.#sum(({ received, expected }) => expected ?? received);
    const ahead = this.#partsAhead;
    return { sessions: Math.round(begun + this.#mean * ahead), isGuess: ahead > 0 };
  }

  /** How many parts are done or were passed over. */
  get partsDone(): number {
    const { parts } = this.#plan;
    const passed = parts === null || this.#latest === null ? 0 : Math.max(0, parts.indexOf(this.#latest));
    return passed + (this.#current?.isDone === true ? 1 : 0);
  }

  /** Milliseconds that the rest takes, by what is left of the quota and by how fast Kore answers; null: not known. */
  timeLeft(now: number): number | null {
    const current = this.#current;
    if (current === null || current.expected === null) return null;
    const parts = this.#partsAhead + (current.isDone ? 0 : 1);
    if (parts === 0) return 0;
    const sessions = this.all.sessions - this.received;
    const rowsPerPage = this.#pages === 0 ? this.#plan.pageSize : this.#rows / this.#pages;
    const requests = this.#plan.requestsFor(Math.max(0, sessions), parts, rowsPerPage);
    const requestMs = this.#requests === 0 ? 0 : this.#requestsMs / this.#requests;
    const from = Math.max(now, this.#wait?.until ?? now);
    return from - now + timeForRequests(requests, this.#plan.quota, { ended: this.#ended, requestMs }, from);
  }

  get #current(): Part | null {
    return this.#latest === null ? null : (this.#parts.get(this.#latest) ?? null);
  }

  get #partsAhead(): number {
    const { parts } = this.#plan;
    if (parts === null || this.#latest === null) return 0;
    const index = parts.indexOf(this.#latest);
    return index === -1 ? 0 : parts.length - index - 1;
  }

  /** Sessions that a part has, on average. */
  get #mean(): number {
    const known = this.#parts.values().flatMap(({ expected }) => (expected === null ? [] : [expected]));
    const counts = [...known];
    return counts.length === 0 ? 0 : counts.reduce((sum, count) => sum + count, 0) / counts.length;
  }

  /** No more than the larger window lets through can hold back a request to come. */
  #remember(endedAt: number): void {
    const { perMinute, perHour } = this.#plan.quota;
    this.#ended.push(endedAt);
    if (this.#ended.length > Math.max(perMinute, perHour)) this.#ended.shift();
  }

  #part(name: string): Part {
    this.#latest = name;
    const part = this.#parts.get(name) ?? { received: 0, expected: null, isDone: false };
    this.#parts.set(name, part);
    return part;
  }

  #sum(count: (part: Part) => number): number {
    return this.#parts.values().reduce((sum, part) => sum + count(part), 0);
  }
}

function saidBy(status: number): string {
  return status === 200 ? "Kore's answer could not be used" : `Kore answered ${status}`;
}
