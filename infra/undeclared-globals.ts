import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Names that the CommonJS files of a package assign without declaring them, in ascending order.
 *
 * Sloppy code makes globals of them; an ES module, as a bundle is, refuses with a ReferenceError. The search is plain
 * text: it looks at assignments that begin a line, and knows a name as declared wherever its file declares it.
 */
export function undeclaredGlobals(packageFolder: string): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(packageFolder, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".js")) continue;
    const source = readFileSync(join(packageFolder, file), "utf8");
    for (const [, name] of source.matchAll(/^\s*([A-Za-z_$][\w$]*)\s*=(?![=>])/gm)) {
      if (name && !declares(source, name)) names.add(name);
    }
  }
  return [...names].sort();
}

/** True if the source has the name as a variable, a function, a class or a parameter. */
function declares(source: string, name: string): boolean {
  const variable = `(?:var|let|const|function|class)\\s+(?:[^;=]*,\\s*)?${name}\\b`;
  const parameter = `\\((?:[^()]*\\b)?${name}\\b[^()]*\\)\\s*(?:=>|\\{)`;
  return new RegExp(`${variable}|${parameter}`).test(source);
}
