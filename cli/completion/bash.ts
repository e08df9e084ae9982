import type { CommandWord, OptionWord, Values, Words } from "./words.ts";

/** A script that tells bash how to complete the program's command lines. Works with bash 3.2, which macOS has. */
export function bashScript({ program, options, commands }: Words): string {
  const name = `_${program.replaceAll("-", "_")}`;
  return `# Completion of ${program} for bash: source it, or save it where bash-completion looks.
${name}_files() {
  compopt -o filenames 2> /dev/null
  local file
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$1")
}
${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" at word
  # Bash takes --option=value apart.
  if [[ "$current" == "=" ]]; then current=""; elif [[ "$previous" == "=" ]]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case "$word" in
      ${commands.map((command) => command.name).join("|")}) command="$word"; break ;;
    esac
  done
  COMPREPLY=()
  case "$command $previous" in
${[{ name: "", options }, ...commands].flatMap((command) => valueCases(command, name)).join("")}  esac
  case "$command" in
    "") ${words([...commands.map((command) => command.name), ...flags(options)])} ;;
${commands.map(commandCase).join("")}  esac
}
complete -F ${name} ${program}
`;
}

/** What completes the value of an option, for each option that has one. */
function valueCases({ name, options }: Pick<CommandWord, "name" | "options">, script: string): string[] {
  return options
    .filter(({ values }) => values.kind !== "none")
    .map(({ flag, values }) => `    "${name} ${flag}") ${reply(values, script)}return ;;\n`);
}

function reply(values: Values, script: string): string {
  if (values.kind === "choices") return `${words(values.choices)}; `;
  return values.kind === "files" ? `${script}_files "$current"; ` : "";
}

function commandCase({ name, options, arguments: [argument] }: CommandWord): string {
  const choices = argument?.kind === "choices" ? argument.choices : [];
  return `    ${name}) ${words([...choices, ...flags(options)])} ;;\n`;
}

function flags(options: readonly OptionWord[]): string[] {
  return options.map(({ flag }) => flag);
}

/** Words of this program have no character that means something to a shell. */
function words(list: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${list.join(" ")}" -- "$current"))`;
}
