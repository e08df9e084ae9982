/**
 * Exports a day and ends its own process with SIGKILL at the n-th step of the archive: what a power cut leaves behind,
 * at every point where it could come. Arguments: host, archive folder, day, bot, n. Exits with 0 if the export ended
 * before the n-th step.
 */
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { systemClock } from "../../functions/exporter/clock.ts";
import { exportDirectly } from "./export-ports.ts";

const [host = "", archive = "", day = "", botId = "", n = "1"] = process.argv.slice(2);

let left = Number(n);
/** Every call of the store is a step before and after it. */
function step(): void {
  left--;
  if (left === 0) process.kill(process.pid, "SIGKILL");
}

const real = new FolderStore(archive, systemClock);
const store = new Proxy<ArchiveStore>(real, {
  get(target, name) {
    const member: unknown = Reflect.get(target, name, target);
    if (typeof member !== "function" || name === "list" || name === "close") return member;
    return async (...args: unknown[]) => {
      step();
      const result: unknown = await Reflect.apply(member, target, args);
      step();
      return result;
    };
  },
});

const result = await exportDirectly({ url: host, store, clock: systemClock, botId, day });
process.exitCode = result?.ok ? 0 : 1;
