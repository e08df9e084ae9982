import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** A program of the machine that a run cannot install by itself. */
interface Tool {
  readonly name: string;
  /** How to get it. */
  readonly help: string;
  /** Path of the program, or of the JDK's folder; undefined if the machine has none. */
  find(): string | undefined;
}

const PYTHON: Tool = {
  name: "Python 3.11 or newer, with venv",
  help: "Debian: apt-get install python3-venv; macOS: brew install python; or https://www.python.org/downloads/.",
  find: () => ["python3", "python3.13", "python3.12", "python3.11"].find(isNewPython),
};

const JDK: Tool = {
  name: "JDK 25 or newer",
  help: "Any vendor's, such as https://adoptium.net: set JAVA25_HOME to its folder if it lies in no usual place.",
  find: newestJdk,
};

const MAVEN: Tool = {
  name: "Maven",
  help: "Debian: apt-get install maven; macOS: brew install maven; or https://maven.apache.org/download.cgi.",
  find: () => onPath("mvn"),
};

const GO: Tool = {
  name: "Go 1.24 or newer",
  help: "macOS: brew install go; or https://go.dev/dl/.",
  find: () => onPath("go"),
};

/** What each run needs of the machine. */
export const NEEDS = {
  deploy: [PYTHON],
  athena: [PYTHON, JDK, MAVEN],
  s3: [PYTHON, GO],
} as const satisfies Record<string, readonly Tool[]>;

export type RunName = keyof typeof NEEDS;

/** One line for each tool that the machine lacks: its name, and how to get it. */
export function lacking(run: RunName): string[] {
  return NEEDS[run].filter((tool) => tool.find() === undefined).map(({ name, help }) => `${name} is missing. ${help}`);
}

/** Throws one error with every tool that a run lacks, so that nobody installs them one failure at a time. */
export function checkTools(run: RunName): void {
  const missing = lacking(run);
  if (missing.length > 0) throw new Error(`npm run test:${run} cannot start.\n${missing.join("\n")}`);
}

export const python = () => found(PYTHON);
export const javaHome = () => found(JDK);
export const maven = () => found(MAVEN);
export const go = () => found(GO);

function found(tool: Tool): string {
  const path = tool.find();
  if (path === undefined) throw new Error(`${tool.name} is missing. ${tool.help}`);
  return path;
}

function onPath(program: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

function isNewPython(program: string): boolean {
  const check = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";
  return spawnSync(program, ["-c", check], { stdio: "ignore" }).status === 0;
}

function newestJdk(): string | undefined {
  const { JAVA25_HOME, JAVA_HOME } = process.env;
  const places = ["/usr/lib/jvm/*", "/opt/*", join(homedir(), ".sdkman/candidates/java/*")];
  const mac = "/Library/Java/JavaVirtualMachines/*/Contents/Home";
  return [JAVA25_HOME, JAVA_HOME, ...globSync([...places, mac])]
    .filter((home): home is string => home !== undefined && majorVersion(home) >= 25)
    .sort((one, other) => majorVersion(other) - majorVersion(one))[0];
}

/** 0 for a folder that holds no JDK. */
function majorVersion(home: string): number {
  if (!existsSync(join(home, "bin", "javac")) || !existsSync(join(home, "release"))) return 0;
  const [, major = "0"] = /^JAVA_VERSION="(\d+)/m.exec(readFileSync(join(home, "release"), "utf8")) ?? [];
  return Number(major);
}
