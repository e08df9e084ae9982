/** A value that is to become another; undefined: none. */
export interface Change {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

type Values = Readonly<Record<string, string | undefined>>;

/** Names whose value differs. */
export function changesBetween(before: Values, after: Values): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .map((name) => ({ name, before: before[name], after: after[name] }))
    .filter((change) => change.before !== change.after);
}

/** True if a value is lost by the change. */
export function isReplacement({ before }: Change): boolean {
  return before !== undefined && before !== "";
}

/** Names whose values nobody is to see. */
const SECRET = /SECRET$|KEY$/;

/** The change for people, without secrets. */
export function changeText({ name, before, after }: Change): string {
  if (SECRET.test(name)) return `${name}: ${after === undefined ? "is taken out" : "gets another value"}`;
  return `${name}: ${before || "(nothing)"} becomes ${after ?? "(nothing)"}`;
}
