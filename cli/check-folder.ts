import { openStore } from "../functions/exporter/archive/open-store.ts";
import { readArchiveSetting } from "../functions/exporter/settings.ts";
import type { CommandIo } from "./io.ts";

/**
 * Throws if the archive is a folder that cannot be written, so that it is told with what else is wrong with the settings; a
 * bucket is asked once they are right.
 */
export async function checkFolder(location: string | undefined, io: CommandIo): Promise<void> {
  if (location === undefined || location.startsWith("s3:")) return;
  const store = await openStore(readArchiveSetting({ KORE_ARCHIVE: location }), { clock: io.clock });
  await store.checkWritable();
  store.close();
}
