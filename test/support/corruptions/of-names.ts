import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Forger } from "../forge.ts";
import { AGENT, type Corruption, DROP_OFF, LEDGER } from "./corruption.ts";

const beside = (name: string, key = AGENT) => `${dirname(key)}/${name}`;
const copied =
  (name: string, key = AGENT) =>
  async (f: Forger) =>
    f.write(name, await f.read(key));
const PART = basename(AGENT);

async function instead(f: Forger, key: string, make: (path: string) => Promise<unknown> | unknown): Promise<void> {
  await rm(f.path(key));
  await make(f.path(key));
}

const pipe = (path: string) => execFileSync("mkfifo", [path]);
const added = (what: string, name: string, how: Corruption["how"] = copied(name)): Corruption => {
  return { what, how, code: "ERR_VERIFY_FILE_ADDED", key: name };
};

/** Names that are no key of the layout, and files that are none. */
export const OF_NAMES: readonly Corruption[] = [
  added("a hidden copy of a part is added", beside(`.${PART}`)),
  added("a Mac's companion of a part is added", beside(`._${PART}`)),
  added("a hidden record is added", beside(".other.json", LEDGER), copied(beside(".other.json", LEDGER), LEDGER)),
  added("a part is there in a second spelling", beside(PART.replace("0000", "00000"))),
  added("a part lies in a sub-folder of its partition", beside(`deeper/${PART}`)),
  added("a partition of an unknown type is added", AGENT.replace("=agent", "=Agent")),
  added("a day that does not exist is added", AGENT.replace(/dt=[^/]*/, "dt=2026-02-30")),
  added("a tab is in a name", beside(`tab\t${PART}`)),
  added("a backslash is in a name", beside(`back\\${PART}`)),
  added("a name is no UTF-8", "exports/\ufffd.json", (f) =>
    writeFile(Buffer.concat([Buffer.from(f.path("exports/")), Buffer.from([0xff]), Buffer.from(".json")]), "x"),
  ),
  added("a file lies at the root", "notes.txt", (f) => f.write("notes.txt", "x")),
  added("a folder lies at the root", "notes/", (f) => f.write("notes/x", "x")),
  added("an empty folder lies where a part would", `${beside(PART.replace("0000", "0009"))}/`, (f) =>
    mkdir(f.path(beside(PART.replace("0000", "0009")))),
  ),
  added("a pipe lies in the place of a part", AGENT, (f) => instead(f, AGENT, pipe)),
  added("a pipe lies in the place of a record", LEDGER, (f) => instead(f, LEDGER, pipe)),
  added("a link to a device lies in the place of a part", AGENT, (f) =>
    instead(f, AGENT, (path) => symlink("/dev/zero", path)),
  ),
  added("a link lies in the place of a part, to the very same bytes", AGENT, async (f) => {
    await rename(f.path(AGENT), `${f.archive}.part`);
    await symlink(`${f.archive}.part`, f.path(AGENT));
  }),
  added("a link lies in the place of a part, to a part of the same day", AGENT, (f) =>
    instead(f, AGENT, (path) => symlink(f.path(DROP_OFF), path)),
  ),
  added("a folder lies in the place of a part", `${AGENT}/`, (f) => instead(f, AGENT, (path) => mkdir(path))),
  added("a folder lies in the place of a record", `${LEDGER}/`, (f) => instead(f, LEDGER, (path) => mkdir(path))),
  added("a public key of somebody who signed nothing is added", "digests/notes.pem", (f) =>
    f.write("digests/notes.pem", "x"),
  ),
];
