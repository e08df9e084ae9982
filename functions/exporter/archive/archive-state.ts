import { z } from "zod";
import type { Acceptance, Digest, ObjectRef } from "./digest.ts";

/** An acceptance, with the number of the digest that it stands in. */
export type KnownAcceptance = Acceptance & { readonly digest: number };

/** A key that signs nothing any more, with the number of the digest that says so. */
export interface RetiredKey {
  readonly key_fingerprint: string;
  readonly digest: number;
}

/** What all digests up to one say, but for their days. */
export interface ArchiveState {
  /** Records that somebody was erased, by key. */
  readonly erasures: ReadonlyMap<string, ObjectRef>;
  /** Records of legal holds, by key. */
  readonly holds: ReadonlyMap<string, ObjectRef>;
  readonly accepted: readonly KnownAcceptance[];
  /** By fingerprint. */
  readonly retired: ReadonlyMap<string, RetiredKey>;
}

/** The state of an archive without a digest. */
export const EMPTY_STATE: ArchiveState = { erasures: new Map(), holds: new Map(), accepted: [], retired: new Map() };

type Said = Pick<Digest, "number" | "erasures" | "holds" | "accepted" | "retires">;

/** Returns the state after a digest, from the one before it. */
export function stateAfter(before: ArchiveState, said: Said): ArchiveState {
  const { number: digest, erasures, holds, accepted, retires } = said;
  const added = (to: ReadonlyMap<string, ObjectRef>, refs: readonly ObjectRef[]) =>
    new Map([...to, ...refs.map((ref) => [ref.key, ref] as const)]);
  const retired = retires
    .filter((fingerprint) => !before.retired.has(fingerprint))
    .map((key_fingerprint) => [key_fingerprint, { key_fingerprint, digest }] as const);
  return {
    erasures: added(before.erasures, erasures),
    holds: added(before.holds, holds),
    accepted: [...before.accepted, ...accepted.map((one) => ({ ...one, digest }))],
    retired: new Map([...before.retired, ...retired]),
  };
}

const objectRef = {
  key: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  version_id: z.string().nullable(),
};
const line = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("erasure"), ...objectRef }),
  z.object({ kind: z.literal("hold"), ...objectRef }),
  z.object({
    kind: z.literal("acceptance"),
    digest: z.number(),
    dataset: z.enum(["sessions", "messages"]),
    dt: z.string(),
    source: z.string(),
    ledger_sha256: z.string(),
    reference: z.string(),
    actor: z.string(),
  }),
  z.object({ kind: z.literal("retired_key"), key_fingerprint: z.string(), digest: z.number() }),
]);

/** Writes a state as lines of JSON, in the order of docs/digests.md. */
export function stateLines({ erasures, holds, accepted, retired }: ArchiveState): string[] {
  const refs = (kind: "erasure" | "hold", of: ReadonlyMap<string, ObjectRef>) =>
    [...of.values()]
      .sort((one, other) => (one.key < other.key ? -1 : 1))
      .map(({ key, sha256, bytes, version_id }) => ({ kind, key, sha256, bytes, version_id }));
  const acceptances = accepted.map(({ digest, dataset, dt, source, ledger_sha256, reference, actor }) => {
    return { kind: "acceptance", digest, dataset, dt, source, ledger_sha256, reference, actor };
  });
  const keys = [...retired.values()].map(({ key_fingerprint, digest }) => {
    return { kind: "retired_key", key_fingerprint, digest };
  });
  return [...refs("erasure", erasures), ...refs("hold", holds), ...acceptances, ...keys].map((one) =>
    JSON.stringify(one),
  );
}

/** Reads a state; null if the lines are none. Never throws. */
export function parseState(lines: readonly string[]): ArchiveState | null {
  try {
    const parsed = lines.map((text) => line.parse(JSON.parse(text)));
    const refs = (kind: "erasure" | "hold") =>
      new Map(
        parsed.flatMap(({ kind: of, ...ref }) => (of === kind ? [[(ref as ObjectRef).key, ref as ObjectRef]] : [])),
      );
    return {
      erasures: refs("erasure"),
      holds: refs("hold"),
      accepted: parsed.flatMap(({ kind, ...one }) => (kind === "acceptance" ? [one as KnownAcceptance] : [])),
      retired: new Map(
        parsed.flatMap((one) =>
          one.kind === "retired_key"
            ? [[one.key_fingerprint, { key_fingerprint: one.key_fingerprint, digest: one.digest }]]
            : [],
        ),
      ),
    };
  } catch {
    return null;
  }
}
