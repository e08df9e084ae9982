import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const HELP =
  "Debian: apt-get install chromium; macOS: brew install --cask chromium; or set CHROMIUM_PATH to a browser of that family.";

/** Starts the machine's Chromium without a window. Throws with how to get one, if there is none. */
export async function startChromium(): Promise<Browser> {
  const { CHROMIUM_PATH, PATH = "" } = process.env;
  const onPath = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const executablePath = [CHROMIUM_PATH, ...onPath, ...MAC].find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined) throw new Error(`npm run test:browser cannot start. Chromium is missing. ${HELP}`);
  return chromium.launch({ executablePath, headless: true, args: ["--no-sandbox"] });
}
