import type { OptionWord, Values, Words } from "./words.ts";

/** A script that tells fish how to complete the program's command lines. */
export function fishScript({ program, options, commands }: Words): string {
  const names = commands.map(({ name }) => name).join(" ");
  const atStart = `not __fish_seen_subcommand_from ${names}`;
  const lines = [
    `# Completion of ${program} for fish: save it in ~/.config/fish/completions/${program}.fish.`,
    `complete -c ${program} -f`,
    ...options.map((option) => optionLine(program, atStart, option)),
    ...commands.flatMap(({ name, description, options: own, arguments: [argument] }) => {
      const within = `__fish_seen_subcommand_from ${name}`;
      return [
        `complete -c ${program} -n ${quoted(atStart)} -a ${name} -d ${quoted(description)}`,
        ...(argument?.kind === "choices"
          ? [`complete -c ${program} -n ${quoted(within)} -a ${quoted(argument.choices.join(" "))}`]
          : []),
        ...own.map((option) => optionLine(program, within, option)),
      ];
    }),
  ];
  return `${lines.join("\n")}\n`;
}

function optionLine(program: string, condition: string, { flag, description, values }: OptionWord): string {
  const rest = `-l ${flag.replace(/^--/, "")} -d ${quoted(description)}${valuePart(values)}`;
  return `complete -c ${program} -n ${quoted(condition)} ${rest}`;
}

function valuePart(values: Values): string {
  if (values.kind === "none") return "";
  if (values.kind === "choices") return ` -x -a ${quoted(values.choices.join(" "))}`;
  return values.kind === "files" ? " -r -F" : " -x";
}

/** In single quotes, in which fish knows two escapes. */
function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
