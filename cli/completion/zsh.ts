import type { CommandWord, OptionWord, Values, Words } from "./words.ts";

/** A script that tells zsh how to complete the program's command lines. */
export function zshScript({ program, options, commands }: Words): string {
  const name = `_${program.replaceAll("-", "_")}`;
  const described = commands.map((command) => `    ${quoted(`${command.name}:${command.description}`)}\n`).join("");
  return `#compdef ${program}
# Completion of ${program} for zsh: source it after compinit, or save it as ${name} in a folder of $fpath.
${name}_commands() {
  local -a commands
  commands=(
${described}  )
  _describe 'command' commands
}
${name}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C \\
${options.map(optionSpec).join("")}    '1: :${name}_commands' '*:: :->rest'
  [[ $state == rest ]] || return
  case "$line[1]" in
${commands.map(commandCase).join("")}  esac
}
if [[ "$funcstack[1]" == ${name} ]]; then ${name} "$@"; else compdef ${name} ${program}; fi
`;
}

function commandCase({ name, options, arguments: given }: CommandWord): string {
  const places = given.map((values, index) => `      ${quoted(`${index + 1}:value:${action(values)}`)} \\\n`);
  const specs = options.map((option) => `  ${optionSpec(option)}`);
  return `    ${name})\n      _arguments \\\n${specs.join("")}${places.join("")}        && return ;;\n`;
}

function optionSpec({ flag, description, values }: OptionWord): string {
  const value = values.kind === "none" ? "" : `:value:${action(values)}`;
  // An option may be repeated where it takes several values; zsh is told so of all.
  return `    ${quoted(`*${flag}[${description.replace(/[[\]\\]/g, "\\$&")}]${value}`)} \\\n`;
}

function action(values: Values): string {
  if (values.kind === "choices") return `(${values.choices.join(" ")})`;
  return values.kind === "files" ? "_files" : "";
}

/** In single quotes, in which a shell takes everything as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
