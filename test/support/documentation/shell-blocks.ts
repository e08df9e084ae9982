/** A fenced `sh` block of a document. */
export interface ShellBlock {
  /** The document's line on which the first command stands. */
  readonly line: number;
  readonly commands: string;
  /** What a `text` block directly below shows as its output; null if there is none. */
  readonly output: string | null;
}

interface Fence {
  readonly language: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
}

/** The `sh` blocks of a document, in order, those in lists too. */
export function shellBlocks(markdown: string): ShellBlock[] {
  const lines = markdown.split("\n");
  const blocks = fences(lines);
  return blocks.flatMap(({ language, text, firstLine, lastLine }, index) => {
    if (language !== "sh") return [];
    const next = blocks[index + 1];
    const between = lines.slice(lastLine + 1, next?.firstLine).join("");
    const isShown = next?.language === "text" && between.trim() === "";
    return [{ line: firstLine + 2, commands: text, output: isShown ? next.text : null }];
  });
}

/** The text of the fenced block that follows a sentence. */
export function blockAfter(markdown: string, sentence: string): string {
  const [, after = ""] = markdown.split(sentence);
  return fences(after.split("\n"))[0]?.text ?? "";
}

function fences(lines: readonly string[]): Fence[] {
  const found: Fence[] = [];
  for (let index = 0; index < lines.length; index++) {
    const [, indent, language = ""] = /^( *)```(\w*)(?: .*)?$/.exec(lines[index] ?? "") ?? [];
    if (indent === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, index + 1);
    if (end === -1) throw new Error(`the fence on line ${index + 1} is never closed`);
    const text = lines.slice(index + 1, end).map((line) => line.slice(indent.length));
    found.push({ language, firstLine: index, lastLine: end, text: `${text.join("\n")}\n` });
    index = end;
  }
  return found;
}
