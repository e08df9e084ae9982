/**
 * Imported before a program of ours, by `node --import`, so that what it prints does not depend on when a test runs: it is
 * DOCUMENTATION_NOW from its start on, and a wait is over at once, with the clock on by as much.
 */

import { syncBuiltinESMExports } from "node:module";
import type { TimerOptions } from "node:timers";
import timers from "node:timers/promises";

let nowMs = Date.parse(process.env.DOCUMENTATION_NOW ?? "");
const SystemDate = Date;

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, args) => Reflect.construct(target, args.length === 0 ? [nowMs] : args),
  get: (target, member) => (member === "now" ? () => nowMs : Reflect.get(target, member)),
});

timers.setTimeout = async <T = void>(ms = 0, value?: T, options?: TimerOptions) => {
  options?.signal?.throwIfAborted();
  nowMs += Math.ceil(ms);
  await timers.setImmediate();
  options?.signal?.throwIfAborted();
  return value as T;
};
syncBuiltinESMExports();
