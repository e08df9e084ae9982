/**
 * Exports the days of its first two arguments to become warm, then those of the next two, and prints how many
 * milliseconds these took: no start-up, no first compilation. Settings as the command line has them.
 */
import { runCli } from "../cli/program.ts";
import { systemClock } from "../functions/exporter/clock.ts";

const [warmFrom = "", warmTo = "", from = "", to = ""] = process.argv.slice(2);

async function exportDays(first: string, last: string): Promise<void> {
  const out: string[] = [];
  const io = { write: (text: string) => void out.push(text), isTTY: false };
  const signal = new AbortController().signal;
  const surroundings = { stdout: io, stderr: io, env: process.env, clock: systemClock, signal };
  const code = await runCli(["export", "--json", "--from", first, "--to", last], surroundings);
  if (code !== 0) throw new Error(`export ended with ${code}: ${out.join("")}`);
}

await exportDays(warmFrom, warmTo);
const started = performance.now();
await exportDays(from, to);
console.log(JSON.stringify({ elapsedMs: performance.now() - started }));
