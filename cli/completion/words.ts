import type { Command, Option } from "commander";

/** What may follow an option, or stand for an argument. */
export type Values =
  | { readonly kind: "none" }
  | { readonly kind: "choices"; readonly choices: readonly string[] }
  | { readonly kind: "files" }
  /** Something that a shell cannot know. */
  | { readonly kind: "other" };

/** An option as it is typed. */
export interface OptionWord {
  readonly flag: string;
  readonly description: string;
  readonly values: Values;
}

/** A command as it is typed; options that stand for every command are among its options. */
export interface CommandWord {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionWord[];
  /** Its arguments, the first first. */
  readonly arguments: readonly Values[];
}

/** The whole command line, for a shell to complete. */
export interface Words {
  readonly program: string;
  readonly options: readonly OptionWord[];
  readonly commands: readonly CommandWord[];
}

/** Names of values that are paths. */
const PATHS = /^(?:place|file|folder|path)$/;

/** The words of a program, from its own definition. */
export function wordsOf(program: Command): Words {
  const everywhere = [
    ...optionWords(program),
    { flag: "--help", description: "show help", values: { kind: "none" } as const },
  ];
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [...optionWords(command), ...everywhere],
    arguments: command.registeredArguments.map(({ argChoices }) => valuesOf(argChoices, "")),
  }));
  return { program: program.name(), options: everywhere, commands };
}

function optionWords({ options }: Command): OptionWord[] {
  return options
    .filter(({ hidden, long }) => !hidden && typeof long === "string")
    .map((option) => ({ flag: option.long ?? "", description: option.description, values: optionValues(option) }));
}

function optionValues(option: Option): Values {
  if (!option.required && !option.optional) return { kind: "none" };
  const [, name = ""] = /[<[]([\w-]+)/.exec(option.flags) ?? [];
  return valuesOf(option.argChoices, name);
}

function valuesOf(choices: readonly string[] | undefined, name: string): Values {
  if (choices !== undefined) return { kind: "choices", choices };
  return { kind: PATHS.test(name) ? "files" : "other" };
}
