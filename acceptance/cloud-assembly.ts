import { createHash } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  DependsOn?: string | string[];
}

export interface Template {
  readonly Resources: Record<string, Resource>;
}

/** Properties of every resource of a type, taken for what the type has. */
export function propertiesOf<T>(template: Template, type: string): T[] {
  return Object.values(template.Resources)
    .filter(({ Type }) => Type === type)
    .map(({ Properties = {} }) => Properties as T);
}

/**
 * Copies a cloud assembly without the resources of some types, which the emulator does not know. Nothing else may refer
 * to them but by `DependsOn`. Returns the types that were left out, one for each resource.
 */
export async function copyWithout(
  types: readonly string[],
  from: string,
  to: string,
  stackName: string,
): Promise<string[]> {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
  const file = `${stackName}.template.json`;
  const template = await readTemplate(to, stackName);
  const gone = Object.entries(template.Resources).filter(([, { Type }]) => types.includes(Type));
  for (const [id] of gone) delete template.Resources[id];
  for (const resource of Object.values(template.Resources)) {
    const kept = [resource.DependsOn ?? []].flat().filter((id) => id in template.Resources);
    if (kept.length > 0) resource.DependsOn = kept;
    else delete resource.DependsOn;
  }
  const body = JSON.stringify(template, null, 1);
  await writeFile(join(to, file), body);
  await renameAsset(to, stackName, file, createHash("sha256").update(body).digest("hex"));
  return gone.map(([, { Type }]) => Type);
}

/** The template of a stack in a cloud assembly. */
export async function readTemplate(assembly: string, stackName: string): Promise<Template> {
  return JSON.parse(await readFile(join(assembly, `${stackName}.template.json`), "utf8"));
}

/** The template is itself an asset named by its hash: under the old name the CDK would take it for uploaded already. */
async function renameAsset(assembly: string, stackName: string, file: string, hash: string): Promise<void> {
  const assets = join(assembly, `${stackName}.assets.json`);
  const files: Record<string, { source: { path: string } }> = JSON.parse(await readFile(assets, "utf8")).files;
  const [old] = Object.entries(files).find(([, { source }]) => source.path === file) ?? [];
  if (old === undefined) throw new Error(`${assets} does not list ${file}`);
  for (const path of [assets, join(assembly, "manifest.json")]) {
    await writeFile(path, (await readFile(path, "utf8")).replaceAll(old, hash));
  }
}
