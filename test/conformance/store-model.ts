import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import type { ArchiveStore, LocalFile, Version } from "../../functions/exporter/archive/store.ts";
import type { StoreUnderTest } from "./store-conformance.ts";

/** What the archive should hold, and the versions that the store has given out. */
interface Model {
  readonly bytes: Map<string, Buffer>;
  readonly seen: Version[];
}

interface Trial {
  readonly model: Model;
  readonly store: ArchiveStore;
  readonly scratch: string;
}

type Step = (trial: Trial) => Promise<void>;

/** No key is a folder of another: a folder could not hold both. */
const keys = fc.constantFrom("a.b", "a/b", "a/b-c", "a0/x", "exports/dt=2026-01-02/st-1.json", "z/～", "z/😀");
const bodies = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const prefixes = fc.constantFrom("", "a", "a/", "a/b", "exports/", "z/", "nothing");

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(keys, bodies).map(([key, body]) => writeExpected(key, body)),
  fc.tuple(keys, bodies, fc.nat()).map(([key, body, index]) => writeStale(key, body, index)),
  fc.tuple(keys, bodies).map(([key, body]) => replace(key, body)),
  fc.tuple(keys, bodies).map(([key, body]) => compare(key, body)),
  keys.map((key) => readBack(key)),
  prefixes.map((prefix) => list(prefix)),
);

/** Fails with the shortest sequence of steps after which the store differs from a map. */
export async function storeEqualsItsModel(makeStore: () => Promise<StoreUnderTest>): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "store-model-"));
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (sequence) => {
        const { store, dispose } = await makeStore();
        try {
          const trial = { model: { bytes: new Map(), seen: [] }, store, scratch };
          for (const step of sequence) await step(trial);
          await list("")(trial);
        } finally {
          await dispose();
        }
      }),
      { numRuns: 40 },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Shown by fast-check in a counterexample. */
function named(text: string, step: Step): Step {
  return Object.assign(step, { toString: () => text });
}

function writeExpected(key: string, body: Buffer): Step {
  return named(`writeIf(${key}, ${body.toString("hex")}, its version)`, async ({ model, store }) => {
    const version = await store.writeIf(key, body, await store.version(key));
    model.bytes.set(key, body);
    model.seen.push(version);
  });
}

function writeStale(key: string, body: Buffer, index: number): Step {
  return named(`writeIf(${key}, ${body.toString("hex")}, another version)`, async ({ model, store }) => {
    const current = await store.version(key);
    const others = [null, ...model.seen].filter((version) => version !== current);
    const expected = others[index % others.length];
    if (expected === undefined) return;
    await expect(store.writeIf(key, body, expected)).rejects.toMatchObject({ code: "ERR_ARCHIVE_CHANGED" });
  });
}

function replace(key: string, body: Buffer): Step {
  return named(`writeFile(${key}, ${body.toString("hex")})`, async ({ model, store, scratch }) => {
    await store.writeFile(key, await fileOf(scratch, body));
    model.bytes.set(key, body);
  });
}

function compare(key: string, body: Buffer): Step {
  return named(`holds(${key}, ${body.toString("hex")})`, async ({ model, store, scratch }) => {
    const held = model.bytes.get(key);
    expect(await store.holds(key, await fileOf(scratch, body))).toBe(held?.equals(body) ?? false);
    if (held) expect(await store.holds(key, await fileOf(scratch, held))).toBe(true);
  });
}

function readBack(key: string): Step {
  return named(`read(${key})`, async ({ model, store, scratch }) => {
    const held = model.bytes.get(key) ?? null;
    const stored = await store.read(key);
    expect(stored?.body ?? null).toEqual(held);
    expect(await store.version(key)).toBe(stored?.version ?? null);
    const copy = join(scratch, "copy");
    if (held === null)
      await expect(store.download(key, copy)).rejects.toMatchObject({ code: "ERR_ARCHIVE_OBJECT_MISSING" });
    else {
      expect(await store.download(key, copy)).toBe(held.length);
      expect(await readFile(copy)).toEqual(held);
    }
  });
}

function list(prefix: string): Step {
  return named(`list(${prefix})`, async ({ model, store }) => {
    const expected = [...model.bytes.keys()].filter((key) => key.startsWith(prefix));
    expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await Array.fromAsync(store.list(prefix))).toEqual(expected.map((key) => ({ kind: "object", key })));
  });
}

async function fileOf(scratch: string, body: Buffer): Promise<LocalFile> {
  const path = join(scratch, "source");
  await writeFile(path, body);
  return { path, bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") };
}
