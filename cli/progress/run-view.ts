import type { DayResult, Progress } from "../../functions/exporter/export/export-day.ts";
import type { KoreEvent } from "../../functions/exporter/kore/client.ts";
import { counted } from "../amounts.ts";
import type { CommandIo } from "../io.ts";
import { duration, rate } from "./duration.ts";
import { toldRequest } from "./request-line.ts";
import { bar, openTerminalLine, type TerminalLine } from "./terminal-line.ts";
import { type RunPlan, Workload } from "./workload.ts";

/** Shorter waits come and go too fast to be read. */
const SHOWN_WAIT_MS = 1_000;
const TOLD_EVERY_MS = 60_000;

/** Shows how a run that asks Kore gets on. */
export interface RunView {
  progress(progress: Pick<Progress, "source" | "dt" | "received" | "expected">): void;
  day(result: DayResult): void;
  /** A part that is no day is done; it had so many sessions. */
  partDone(source: string, part: string, sessions: number): void;
  koreEvent(source: string, event: KoreEvent): void;
  stop(): void;
}

/** A bar where stderr is a terminal; else messages, which are told as the log's options say: in CI none. */
export async function openRunView(io: CommandIo, plan: RunPlan): Promise<RunView> {
  const run = new RunProgress(plan, io);
  return io.stderr.isTTY ? new BarView(run, io, await openTerminalLine(io, "Asking Kore …")) : new LogView(run, io);
}

/** How far all sources are. */
class RunProgress {
  readonly #plan: RunPlan;
  readonly #io: CommandIo;
  readonly #startedAt: number;
  readonly #sources = new Map<string, Workload>();

  constructor(plan: RunPlan, io: CommandIo) {
    this.#plan = plan;
    this.#io = io;
    this.#startedAt = io.clock.now();
  }

  of(source: string): Workload {
    const workload = this.#sources.get(source) ?? new Workload(this.#plan);
    this.#sources.set(source, workload);
    return workload;
  }

  /** From 0 to 1. */
  get done(): number {
    const { received, all } = this.#totals;
    return all === 0 ? 0 : received / all;
  }

  get facts(): { readonly received: number; readonly expected: number; readonly seconds_left: number | null } {
    const { received, all } = this.#totals;
    const left = this.#timeLeft;
    return { received, expected: all, seconds_left: left === null ? null : Math.ceil(left / 1_000) };
  }

  get text(): string {
    const { received, all, isGuess } = this.#totals;
    const { parts, partName, sources } = this.#plan;
    const partsDone = this.#sources.values().reduce((sum, workload) => sum + workload.partsDone, 0);
    const partsText = parts === null || parts.length * sources < 2 ? null : `${partsDone} of ${parts.length * sources}`;
    const left = this.#timeLeft;
    if (all === 0) return ["Asking Kore …", ...this.#waits].join(" · ");
    return [
      `${number(received)} of ${isGuess ? "about " : ""}${counted(all, "session")}`,
      ...(partsText === null ? [] : [`${partsText} ${partName}`]),
      rate(received, this.#io.clock.now() - this.#startedAt),
      ...(left === null || left === 0 ? [] : [`about ${duration(left)} left${parts === null ? " for now" : ""}`]),
      ...this.#waits,
    ].join(" · ");
  }

  get #totals(): { readonly received: number; readonly all: number; readonly isGuess: boolean } {
    const workloads = [...this.#sources.values()];
    return {
      received: workloads.reduce((sum, workload) => sum + workload.received, 0),
      all: workloads.reduce((sum, workload) => sum + workload.all.sessions, 0),
      isGuess: workloads.some((workload) => workload.all.isGuess),
    };
  }

  /** Sources go side by side: the slowest decides. Null as long as that of one is not known. */
  get #timeLeft(): number | null {
    const now = this.#io.clock.now();
    const times = [...this.#sources.values()].map((workload) => workload.timeLeft(now));
    return times.some((time) => time === null) ? null : Math.max(0, ...times.map(Number));
  }

  get #waits(): string[] {
    const now = this.#io.clock.now();
    return [...this.#sources].flatMap(([source, { wait }]) => {
      if (wait === null || wait.until <= now) return [];
      const whose = this.#plan.sources > 1 ? `${source}: ` : "";
      return [`${whose}${wait.why}, next request in ${duration(wait.until - now)}`];
    });
  }
}

class BarView implements RunView {
  readonly #run: RunProgress;
  readonly #io: CommandIo;
  readonly #line: TerminalLine;

  constructor(run: RunProgress, io: CommandIo, line: TerminalLine) {
    this.#run = run;
    this.#io = io;
    this.#line = line;
  }

  progress({ source, dt, received, expected }: Parameters<RunView["progress"]>[0]): void {
    this.#run.of(source).progress(dt, received, expected);
    this.#draw();
  }

  day({ source, dt, record }: DayResult): void {
    this.#run.of(source).done(dt, record?.archived.total ?? null);
    this.#draw();
  }

  partDone(source: string, part: string, sessions: number): void {
    this.#run.of(source).done(part, sessions);
    this.#draw();
  }

  koreEvent(source: string, event: KoreEvent): void {
    if (event.kind === "waiting" && event.ms < SHOWN_WAIT_MS) return;
    this.#run.of(source).event(event, this.#io.clock.now());
    this.#draw();
  }

  stop(): void {
    this.#line.stop();
  }

  #draw(): void {
    this.#line.show(() => `${bar(this.#run.done, this.#io)} ${this.#run.text}`);
  }
}

class LogView implements RunView {
  readonly #run: RunProgress;
  readonly #io: CommandIo;
  #toldAt: number;

  constructor(run: RunProgress, io: CommandIo) {
    this.#run = run;
    this.#io = io;
    this.#toldAt = io.clock.now();
  }

  progress({ source, dt, received, expected }: Parameters<RunView["progress"]>[0]): void {
    this.#run.of(source).progress(dt, received, expected);
    const now = this.#io.clock.now();
    if (now - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = now;
    this.#io.log.info("progress", this.#run.text, this.#run.facts);
  }

  day({ source, dt, record, requests }: DayResult): void {
    this.#run.of(source).done(dt, record?.archived.total ?? null);
    const status = record?.status ?? "failed";
    const sessions = record?.archived.total ?? 0;
    const message = `${dt} ${source}: ${status}, ${counted(sessions, "session")}, ${counted(requests, "request")}`;
    this.#io.log.info("day", message, { source, dt, status, sessions, requests });
  }

  partDone(source: string, part: string, sessions: number): void {
    this.#run.of(source).done(part, sessions);
  }

  koreEvent(source: string, event: KoreEvent): void {
    const workload = this.#run.of(source);
    workload.event(event, this.#io.clock.now());
    if (event.kind !== "waiting") {
      this.#io.log.debug("request", () => toldRequest(source, event));
      return;
    }
    const { reason, ms, error } = event;
    if (ms < SHOWN_WAIT_MS) return;
    const message = `${source}: ${workload.wait?.why}, next request in ${duration(ms)}`;
    this.#io.log.info("waiting", message, { source, reason, ms, ...(error && { code: error.code }) });
  }

  stop(): void {}
}

function number(count: number): string {
  return count.toLocaleString("en");
}
