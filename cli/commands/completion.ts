import { Argument, Command } from "commander";
import type { Words } from "../completion/words.ts";
import type { CommandIo } from "../io.ts";
import type { Finish } from "../program.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

const HELP = `
The script completes the word kore-sessions. Make that a command of your shell first, for example with a
function in ~/.bashrc or ~/.zshrc:
  kore-sessions() { npm run -s --prefix ~/kore-session-archive kore-sessions -- "$@"; }

Then, once, and again after an update:
  bash   kore-sessions completion bash > ~/.kore-sessions.bash
         echo 'source ~/.kore-sessions.bash' >> ~/.bashrc
  zsh    kore-sessions completion zsh > ~/.kore-sessions.zsh
         echo 'source ~/.kore-sessions.zsh' >> ~/.zshrc       (below the line with compinit)
  fish   kore-sessions completion fish > ~/.config/fish/completions/kore-sessions.fish

Exit codes: 0 the script was printed, 2 wrong usage.`;

/** `completion`: a script for the shell. */
export function completionCommand(io: CommandIo, finish: Finish): Command {
  return new Command("completion")
    .description("Print a script that completes commands and options in your shell.")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText("after", HELP)
    .action(async (shell: Shell, _: object, command: Command) => {
      if (command.parent === null) throw new Error("completion is a command of a program");
      const { wordsOf } = await import("../completion/words.ts");
      io.stdout.write(await scriptFor(shell, wordsOf(command.parent)));
      finish(0);
    });
}

async function scriptFor(shell: Shell, words: Words): Promise<string> {
  if (shell === "bash") return (await import("../completion/bash.ts")).bashScript(words);
  if (shell === "zsh") return (await import("../completion/zsh.ts")).zshScript(words);
  return (await import("../completion/fish.ts")).fishScript(words);
}
