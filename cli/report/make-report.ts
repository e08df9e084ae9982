import { rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { makeScratch } from "../../functions/exporter/scratch.ts";
import { counted, size } from "../amounts.ts";
import { replaceFile } from "../init/replace-file.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo } from "../io.ts";
import { gatherNumbers } from "./numbers/gather.ts";
import { headlineOf } from "./numbers/headline.ts";
import type { ReportNumbers } from "./numbers/numbers.ts";
import { type ReportOptions, readOrder } from "./report-options.ts";

const DEFAULT_FILE = "report.html";
/** Whoever made the report decides who else may read it. */
const FILE_MODE = 0o644;

/** Writes the report as a page, or prints its numbers. Throws `SettingsError`, or `ERR_ARCHIVE_UNREACHABLE`. */
export async function makeReport(options: ReportOptions, io: CommandIo): Promise<void> {
  const order = await readOrder(options, io);
  const place = options.out ?? DEFAULT_FILE;
  const path = resolve(io.folder ?? ".", place);
  if (!options.json) await checkPlace(place, path);
  const numbers = await readNumbers(order, options, io);
  if (options.json) {
    const { reportJson } = await import("./report-json.ts");
    io.stdout.write(`${JSON.stringify(reportJson(numbers))}\n`);
    return;
  }
  const { reportPage } = await import("./page/page.ts");
  const page = reportPage(order.title, numbers);
  await replaceFile(path, page, FILE_MODE);
  io.stdout.write(`${place}: ${contentsText(numbers)}, ${size(Buffer.byteLength(page))}.\n`);
}

async function readNumbers(
  { location, range }: Awaited<ReturnType<typeof readOrder>>,
  { tagValues }: ReportOptions,
  { clock, log, signal }: CommandIo,
): Promise<ReportNumbers> {
  const scratch = await makeScratch();
  try {
    const isWithTagValues = tagValues === true;
    const question = { location, asked: range, isWithTagValues, clock, scratch, log, signal };
    return await interruptible(gatherNumbers(question), signal);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A large archive takes a while to read: that the report cannot be put there is told before. */
async function checkPlace(place: string, path: string): Promise<void> {
  const kindOf = async (of: string) => (await stat(of).catch(() => null))?.isDirectory();
  if (await kindOf(path))
    throw new SettingsError([`--out ${place} is a folder; give a file in it, such as report.html.`]);
  if (!(await kindOf(dirname(path)))) {
    throw new SettingsError([`--out ${place} lies in a folder that does not exist; make ${dirname(path)} first.`]);
  }
}

function contentsText({ contents }: ReportNumbers): string {
  if (contents === null) return "no day of the archive is in the range";
  const { sessions, days, sources } = headlineOf(contents);
  return `${counted(sessions, "session")} on ${counted(days, "day")} of ${counted(sources, "source")}`;
}
