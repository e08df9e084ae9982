import { counted } from "../amounts.ts";
import type { CommandIo } from "../io.ts";
import { duration } from "../progress/duration.ts";
import { bar, openTerminalLine, type TerminalLine } from "../progress/terminal-line.ts";
import type { Estimate } from "./estimate.ts";
import type { Change } from "./follow.ts";
import { type Month, monthLabel } from "./months.ts";

/** Shows how the months of each source get on. */
export interface FollowView {
  change(source: string, month: Month, change: Change): void;
  stop(): void;
}

/** On a terminal a bar with the latest of each source; otherwise a message for each change, told as the log's options say. */
export async function openFollowView(io: CommandIo, estimate: Estimate, months: number): Promise<FollowView> {
  if (!io.stderr.isTTY) return new ChangeMessages(io);
  return new BarOfMonths(io, estimate, months, await openTerminalLine(io, "Asking AWS …"));
}

class BarOfMonths implements FollowView {
  readonly #io: CommandIo;
  readonly #estimate: Estimate;
  readonly #months: number;
  readonly #line: TerminalLine;
  readonly #latest = new Map<string, string>();
  readonly #done = new Map<string, number>();

  constructor(io: CommandIo, estimate: Estimate, months: number, line: TerminalLine) {
    this.#io = io;
    this.#estimate = estimate;
    this.#months = months;
    this.#line = line;
  }

  change(source: string, month: Month, { text, isEnd }: Change): void {
    this.#latest.set(source, `${source} ${monthLabel(month)}: ${text}`);
    if (isEnd) this.#done.set(source, (this.#done.get(source) ?? 0) + 1);
    this.#line.show(() => this.#text);
  }

  stop(): void {
    this.#line.stop();
  }

  get #text(): string {
    const all = this.#estimate.sources.length * this.#months;
    const done = this.#done.values().reduce((sum, count) => sum + count, 0);
    return [
      `${bar(all === 0 ? 0 : done / all, this.#io)} ${done} of ${counted(all, "month")}`,
      ...this.#timeLeft,
      ...this.#latest.values(),
    ].join(" · ");
  }

  /** The quota's least time for the months that are left, those of a source taken to be alike; none if nobody knows. */
  get #timeLeft(): string[] {
    const times = this.#estimate.sources.map(({ source, shortestMs }) => {
      const left = 1 - (this.#done.get(source) ?? 0) / this.#months;
      return shortestMs === null ? null : shortestMs * left;
    });
    const longest = times.includes(null) ? 0 : Math.max(0, ...times.map(Number));
    return longest === 0 ? [] : [`at least ${duration(longest)} left`];
  }
}

class ChangeMessages implements FollowView {
  readonly #io: CommandIo;
  readonly #latest = new Map<string, string>();

  constructor(io: CommandIo) {
    this.#io = io;
  }

  change(source: string, month: Month, { text, isTrouble }: Change): void {
    const message = `${monthLabel(month)} ${source}: ${text}`;
    if (this.#latest.get(source) === message) return;
    this.#latest.set(source, message);
    const facts = { source, month: monthLabel(month) };
    if (isTrouble) this.#io.log.warn("month", message, facts);
    else this.#io.log.info("month", message, facts);
  }

  stop(): void {}
}
