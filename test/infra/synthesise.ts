import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { App } from "aws-cdk-lib";
import { ExporterStack } from "../../infra/exporter-stack.ts";
import { readSettings } from "../../infra/settings.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A file that exists; nothing is bundled from it unless a test says so. */
const SOME_ENTRY = join(ROOT, "functions/exporter/contract.ts");

/** The smallest settings that deploy. */
export const REQUIRED = { host: "https://kore.example.com", bots: ["st-1", "st-2"] };

export const TODAY = "2026-11-22";

// biome-ignore lint/suspicious/noExplicitAny: properties of CloudFormation have no common type
export type Json = any;

export interface Resource {
  readonly Type: string;
  readonly Properties: Json;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
}

export interface Synthesised {
  readonly resources: Readonly<Record<string, Resource>>;
  readonly outputs: Readonly<Record<string, { readonly Value: Json; readonly Description: string }>>;
  readonly warnings: readonly string[];
  /** The only resource of the type whose logical id begins so. */
  one(type: string, idPrefix?: string): Resource;
  all(type: string): Resource[];
}

const done = new Map<string, Synthesised>();

/**
 * The template of the settings, besides the required ones; made once for the same settings. Nothing is bundled, and the
 * checks of cdk-nag, which take most of the time, do not run.
 */
export function synthesise(settings: Record<string, unknown> = {}): Synthesised {
  const key = JSON.stringify(settings);
  const known = done.get(key);
  if (known) return known;
  const made = inTemporaryFolder((outdir) => {
    const { app, stack } = exporterApp({ ...REQUIRED, ...settings }, outdir, { "aws:cdk:bundling-stacks": [] });
    const artifact = app.synth().getStackByName(stack.stackName);
    const warnings = artifact.messages
      .filter(({ level }) => level === "warning")
      .map(({ entry }) => String(entry.data));
    return asSynthesised(artifact.template, warnings);
  });
  done.set(key, made);
  return made;
}

/** The stack in an app with the feature flags of cdk.json, as infra/app.ts composes it, but for the checks. */
export function exporterApp(
  settings: Record<string, unknown>,
  outdir: string,
  context: Record<string, unknown>,
  handlerEntry = SOME_ENTRY,
): { app: App; stack: ExporterStack } {
  const flags = JSON.parse(readFileSync(join(ROOT, "cdk.json"), "utf8")).context;
  const app = new App({ outdir, context: { ...flags, ...context } });
  const read = readSettings(settings, TODAY);
  const stack = new ExporterStack(app, read.stackName, { settings: read, handlerEntry });
  return { app, stack };
}

export function inTemporaryFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "kore-infra-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function asSynthesised(template: Json, warnings: string[]): Synthesised {
  const resources: Record<string, Resource> = template.Resources;
  const entries = Object.entries(resources);
  return {
    resources,
    outputs: template.Outputs,
    warnings,
    all: (type) => entries.filter(([, { Type }]) => Type === type).map(([, resource]) => resource),
    one: (type, idPrefix = "") => {
      const found = entries.filter(([id, { Type }]) => Type === type && id.startsWith(idPrefix));
      if (found.length !== 1 || !found[0]) throw new Error(`${found.length} resources ${type} ${idPrefix}`);
      return found[0][1];
    },
  };
}

/** A value of a template as text: references by their logical ids without hash, pseudo parameters by their last word. */
export function readable(value: Json): string {
  if (typeof value !== "object" || value === null) return String(value);
  const id = (logicalId: string) => logicalId.replace(/[0-9A-F]{8}$/, "");
  if (value.Ref) return String(value.Ref).startsWith("AWS::") ? `{${value.Ref.slice(5)}}` : `{${id(value.Ref)}}`;
  if (value["Fn::GetAtt"]) return `{${id(value["Fn::GetAtt"][0])}.${value["Fn::GetAtt"][1]}}`;
  if (value["Fn::Join"]) return value["Fn::Join"][1].map(readable).join(value["Fn::Join"][0]);
  return JSON.stringify(value);
}

export const asList = (value: Json): Json[] => (Array.isArray(value) ? value : [value]);
