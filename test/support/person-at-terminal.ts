import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import type { Input, Output } from "../../cli/io.ts";

/** A terminal with somebody at it, who answers questions as they appear. */
export interface Terminal {
  readonly stdin: Input;
  readonly stderr: Output;
  /** Waits until a question that has not been answered yet shows this text, and then types the keys. */
  type(question: RegExp, keys: string): Promise<void>;
  /** Everything that was shown, without what steers the terminal. */
  shown(): string;
  /** Closes the terminal, as when its window is closed. */
  hangUp(): void;
}

/** Opens a terminal. */
export function openTerminal(): Terminal {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  let shown = "";
  let seen = 0;
  let wake = () => {};
  const written = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return {
    stdin,
    stderr: {
      isTTY: true,
      columns: 200,
      write: (text) => {
        shown += stripVTControlCharacters(text);
        wake();
      },
    },
    type: async (question, keys) => {
      let found = question.exec(shown.slice(seen));
      while (found === null) {
        await written();
        found = question.exec(shown.slice(seen));
      }
      // The prompt listens once it is drawn.
      await new Promise(setImmediate);
      seen = shown.length;
      stdin.write(keys);
    },
    shown: () => shown,
    hangUp: () => void stdin.end(),
  };
}
