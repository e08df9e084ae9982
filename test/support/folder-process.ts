/**
 * What another process does to an archive in a folder, for tests that need a real one.
 * usage: node folder-process.ts FOLDER count TIMES | hold | write FILE | probe
 */
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { systemClock } from "../../functions/exporter/clock.ts";
import { ExporterError } from "../../functions/exporter/errors.ts";

const [folder = "", task, argument = ""] = process.argv.slice(2);
const store = new FolderStore(folder, systemClock);
const say = (what: string) => process.stdout.write(`${what}\n`);

/** Adds one to a shared number, as often as it takes to win that many times. */
async function count(times: number): Promise<void> {
  for (let won = 0; won < times; ) {
    const before = await store.read("counter");
    const next = Buffer.from(String(Number(before?.body ?? 0) + 1));
    try {
      await store.writeIf("counter", next, before?.version ?? null);
      won += 1;
    } catch (error) {
      if (!(error instanceof ExporterError && error.code === "ERR_ARCHIVE_CHANGED")) throw error;
    }
  }
}

/** Takes the lock, says so, and keeps it until the process ends. */
async function hold(): Promise<void> {
  await store.exclusively(async () => {
    say("held");
    await systemClock.sleep(60_000);
  });
}

/** Writes a file whose last bytes never come, because somebody keeps the named pipe open. */
async function write(path: string): Promise<void> {
  await store.writeFile("part", { path, bytes: 1, sha256: "" });
}

/** Says whether the archive can be written, and whether a write then works. */
async function probe(): Promise<void> {
  const outcome = async (work: () => Promise<unknown>) =>
    work().then(
      () => "ok",
      (error: unknown) => (error instanceof ExporterError ? `${error.code} ${error.message}` : String(error)),
    );
  say(await outcome(() => store.checkWritable()));
  say(await outcome(() => store.writeIf("a", Buffer.from("x"), null)));
}

if (task === "count") await count(Number(argument));
else if (task === "hold") await hold();
else if (task === "write") await write(argument);
else await probe();
