import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startChromium } from "./browser/chromium.ts";
import {
  AXE,
  CHARTS_NOT_SHOWN_ONCE,
  FOCUSED_FOLD,
  FOLDS,
  foldAll,
  LABELS_OUT_OF_PLACE,
  OVERFLOW,
  SMALLEST_LABEL,
} from "./browser/in-page.ts";
import { cli, makeArchive } from "./browser/report-archive.ts";

const SCREENSHOTS = resolve(".cache/report-screenshots");
const WIDTHS = { phone: 360, tablet: 768, desktop: 1280 } as const;
const SCHEMES = ["light", "dark"] as const;
/** Width of a page of A4 between the margins that the report asks for, in CSS pixels. */
const PAPER_WIDTH = 688;

let browser: Browser;
let folder: string;
let address: string;
beforeAll(async () => {
  browser = await startChromium();
  folder = await mkdtemp(join(tmpdir(), "kore-browser-"));
  await makeArchive(join(folder, "archive"));
  const out = join(folder, "report.html");
  await cli(["report", "--archive", join(folder, "archive"), "--out", out, "--tag-values"]);
  address = pathToFileURL(out).href;
  await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** The report in a browser without a network; whatever it asks for and whatever it complains about is noted down. */
async function open(options: BrowserContextOptions & { readonly width?: number } = {}) {
  const { width = WIDTHS.desktop, ...others } = options;
  const context = await browser.newContext({ viewport: { width, height: 900 }, offline: true, ...others });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const [requests, complaints]: [string[], string[]] = [[], []];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(address);
  return { page, requests, complaints };
}

const ask = <T>(page: Page, expression: string) => page.evaluate(expression) as Promise<T>;

test("asks for nothing but itself, and the browser complains about nothing", async () => {
  const { page, requests, complaints } = await open();
  await ask(page, foldAll(true));
  await page.mouse.wheel(0, 20_000);
  expect({ requests, complaints }).toEqual({ requests: [address], complaints: [] });
  expect(await page.title()).toBe("Kore sessions");
});

test("runs no script, even if somebody slips one in", async () => {
  const { page } = await open();
  await ask(page, `document.body.insertAdjacentHTML("beforeend", '<img src="x:" onerror="document.title = 1">')`);
  await ask(
    page,
    `document.body.append(Object.assign(document.createElement("script"), { text: "document.title = 2" }))`,
  );
  expect(await page.title()).toBe("Kore sessions");
});

describe.each(Object.entries(WIDTHS))("on a %s of %i pixels", (_, width) => {
  test("nothing is wider than the window, with all folds shut and open", async () => {
    const { page } = await open({ width });
    for (const isOpen of [false, true]) {
      await ask(page, foldAll(isOpen));
      expect(await ask(page, OVERFLOW)).toBe(0);
    }
  });

  test("each chart shows once, with labels that can be read and do not touch", async () => {
    const { page } = await open({ width });
    expect(await ask(page, CHARTS_NOT_SHOWN_ONCE)).toEqual([]);
    expect(await ask(page, SMALLEST_LABEL)).toBeGreaterThanOrEqual(10);
    expect(await ask(page, LABELS_OUT_OF_PLACE)).toEqual([]);
  });
});

test("every fold opens and shuts by keyboard", async () => {
  const { page } = await open();
  const before = await ask<boolean[]>(page, FOLDS);
  const seen = new Set<number>();
  // Each fold has at most one more place for the focus in it: what scrolls.
  for (let step = 0; step < 3 * before.length && seen.size < before.length; step++) {
    await page.keyboard.press("Tab");
    const fold = await ask<number | null>(page, FOCUSED_FOLD);
    if (fold === null || seen.has(fold)) continue;
    await page.keyboard.press("Enter");
    seen.add(fold);
  }
  expect(before.length).toBeGreaterThan(10);
  expect(await ask(page, FOLDS)).toEqual(before.map((isOpen) => !isOpen));
});

describe.each(SCHEMES)("in %s colours", (colorScheme) => {
  test.each(Object.entries(WIDTHS))("axe finds nothing on a %s", async (_, width) => {
    // The report's policy keeps axe out, too.
    const { page } = await open({ width, colorScheme, bypassCSP: true });
    await ask(page, foldAll(true));
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
    expect(await ask(page, AXE)).toEqual([]);
  });

  test.each(Object.entries(WIDTHS))("a screenshot is taken on a %s", async (name, width) => {
    const { page } = await open({ width, colorScheme });
    const path = join(SCREENSHOTS, `${colorScheme}-${name}.png`);
    const { length } = await page.screenshot({ path, fullPage: true });
    expect(length).toBeGreaterThan(50_000);
  });
});

test("prints on a few pages, in light colours, and nothing is cut off", async () => {
  const { page } = await open({ width: PAPER_WIDTH, colorScheme: "dark" });
  const pdf = await page.pdf({ format: "A4", preferCSSPageSize: true });
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b(?!s)/g)?.length;
  expect(pages).toBeGreaterThanOrEqual(2);
  expect(pages).toBeLessThanOrEqual(8);
  await page.emulateMedia({ media: "print" });
  expect(await ask(page, OVERFLOW)).toBe(0);
  expect(await ask(page, LABELS_OUT_OF_PLACE)).toEqual([]);
  expect(await ask(page, "getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()")).toBe(
    "#ffffff",
  );
});
