import { table } from "../table.ts";
import { type Estimate, estimateJson } from "./estimate.ts";
import type { MonthOutcome } from "./follow.ts";
import { monthLabel } from "./months.ts";

/** A line for each month and source, then one for each problem. */
export function monthsText(outcomes: readonly MonthOutcome[]): string {
  const rows = outcomes.map(({ source, month, status, days, executions }) => {
    return [monthLabel(month), source, status, days.length, executions.at(-1) ?? ""];
  });
  const titles = ["month", "source", "status", "days exported", "execution"];
  return `${table(titles, rows)}${outcomes.flatMap(problemLines).join("")}`;
}

function problemLines({ source, month, days, error }: MonthOutcome): string[] {
  const bad = days.filter(({ status }) => status !== "complete" && status !== "provisional");
  const failure = error === null ? [] : [`${monthLabel(month)} ${source}: ${error.code} ${error.message}\n`];
  return [...failure, ...bad.map(({ dt, status }) => `${dt} ${source}: ${status}\n`)];
}

/** The same for programs. */
export function monthsJson(outcomes: readonly MonthOutcome[], estimate: Estimate, ok: boolean): object {
  const months = outcomes.map(({ source, month: { from, to }, status, days, executions, error }) => {
    return { source, from, to, status, days, executions, error };
  });
  return { ok, estimate: estimateJson(estimate), months };
}
