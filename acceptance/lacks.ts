/** `node acceptance/lacks.ts RUN`: prints what the machine lacks for a run, one line each; exit code 1 if anything. */
import { lacking, NEEDS, type RunName } from "./tools.ts";

const isRun = (name: string | undefined): name is RunName => name !== undefined && Object.hasOwn(NEEDS, name);

const [, , name] = process.argv;
const missing = isRun(name) ? lacking(name) : [`Usage: node acceptance/lacks.ts ${Object.keys(NEEDS).join("|")}`];
for (const line of missing) console.log(line);
process.exitCode = missing.length === 0 ? 0 : 1;
