const WIDTH = 120;

/**
 * A value of JSON as text: an object has a line for each member, a list stays on one line while it fits into 120 columns.
 * So are the JSON files of this project formatted.
 */
export function jsonText(value: unknown, indent = "", taken = 0): string {
  if (Array.isArray(value)) return listText(value, indent, taken);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => {
    const start = `${indent}  ${JSON.stringify(name)}: `;
    return `${start}${jsonText(member, `${indent}  `, start.length)}`;
  });
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}

function listText(list: readonly unknown[], indent: string, taken: number): string {
  const items = list.map((item) => jsonText(item, `${indent}  `, indent.length + 2));
  const line = `[${items.join(", ")}]`;
  if (!line.includes("\n") && taken + line.length < WIDTH) return line;
  return `[\n${items.map((item) => `${indent}  ${item}`).join(",\n")}\n${indent}]`;
}
