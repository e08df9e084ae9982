import ora from "ora";
import type { CommandIo } from "../io.ts";

/** Shows how a verification gets on. */
export interface VerifyView {
  day(done: number, all: number): void;
  stop(): void;
}

/** A line on stderr if that is a terminal; otherwise nothing. */
export function verifyView(io: CommandIo): VerifyView {
  if (!io.stderr.isTTY) return { day() {}, stop() {} };
  const spinner = ora({ stream: process.stderr, discardStdin: false, text: "Reading the digests …" }).start();
  return {
    day: (done, all) => {
      spinner.text = `${done.toLocaleString("en")} of ${all.toLocaleString("en")} days checked`;
    },
    stop: () => void spinner.stop(),
  };
}
