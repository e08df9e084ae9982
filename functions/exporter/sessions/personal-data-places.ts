import { fitsPattern, foldName, type PersonalDataMode, type PersonalDataRules } from "../contract.ts";
import { elementsOf, kindAt, type Member, membersAnywhere, membersOf, type Span } from "../json-text.ts";

/** A value in a session's text that is not archived as it stands there. */
export interface Place extends Span {
  readonly mode: Exclude<PersonalDataMode, "keep">;
}

/** What is done with a list of tags: by an element's names, and with what has no name to go by. */
interface TagTreatment {
  readonly modeOf: (names: readonly string[]) => PersonalDataMode;
  readonly unnamed: PersonalDataMode;
}

/**
 * The values that the rules hash or drop in the JSON text of a session, in their order, none within another.
 *
 * - `user_id`: every member `userId`, at any depth.
 * - `tag:…`: of a tag that a rule fits, everything but its name. Tags stand in every list in the session's `tags` but
 *   `altText`, whatever it is called.
 * - `alt_text`: likewise, of every element of `altText`.
 *
 * Names of members are compared in lower case, repeated members count each, and what is null stays so. Where something
 * stands in the place of a tag or of a list that is none, nobody can say which rule would fit: the strictest is taken.
 */
export function personalDataPlaces(session: Buffer, rules: PersonalDataRules): Place[] {
  const places: Place[] = [];
  if (rules.userId !== "keep") {
    const isUserId = (key: string) => foldName(key) === "userid";
    for (const value of membersAnywhere(session, isUserId)) add(places, session, value, rules.userId);
  }
  if (rules.tags.length > 0 || rules.altText !== "keep") new TagPlaces(session, rules, places).find();
  return outermost(places);
}

/** Finds what the rules for tags and alternative texts are about. */
class TagPlaces {
  readonly #json: Buffer;
  readonly #places: Place[];
  readonly #tags: TagTreatment;
  readonly #altText: TagTreatment;

  constructor(json: Buffer, rules: PersonalDataRules, places: Place[]) {
    this.#json = json;
    this.#places = places;
    this.#tags = tagTreatment(rules);
    this.#altText = { modeOf: () => rules.altText, unnamed: rules.altText };
  }

  find(): void {
    for (const member of membersOf(this.#json, 0)) {
      const key = foldName(member.key);
      if (key === "tags") this.#lists(member);
      else if (key === "alttext") this.#list(member, this.#altText);
      else if (key === "usertags" || key === "sessiontags") this.#list(member, this.#tags);
    }
  }

  /** The value of `tags`. */
  #lists(value: Span): void {
    if (kindAt(this.#json, value.start) !== "object") {
      this.#add(value, strictest([this.#tags.unnamed, this.#altText.unnamed]));
      return;
    }
    for (const member of membersOf(this.#json, value.start)) {
      this.#list(member, foldName(member.key) === "alttext" ? this.#altText : this.#tags);
    }
  }

  #list(value: Span, treatment: TagTreatment): void {
    if (kindAt(this.#json, value.start) !== "array") {
      this.#add(value, treatment.unnamed);
      return;
    }
    for (const element of elementsOf(this.#json, value.start)) {
      if (kindAt(this.#json, element.start) === "object") this.#tag(element, treatment);
      else this.#add(element, treatment.unnamed);
    }
  }

  #tag(tag: Span, treatment: TagTreatment): void {
    const members = [...membersOf(this.#json, tag.start)];
    const names = members.filter((member) => this.#isName(member));
    const mode = treatment.modeOf(names.map(({ start, end }) => this.#nameAt(start, end)));
    for (const member of members) if (!names.includes(member)) this.#add(member, mode);
  }

  /** A name is a text or a number; anything else could hold anything. */
  #isName({ key, start }: Member): boolean {
    const kind = kindAt(this.#json, start);
    return foldName(key) === "name" && (kind === "string" || kind === "scalar");
  }

  #nameAt(start: number, end: number): string {
    const text = this.#json.toString("utf8", start, end);
    return foldName(kindAt(this.#json, start) === "string" ? (JSON.parse(text) as string) : text);
  }

  #add(value: Span, mode: PersonalDataMode): void {
    add(this.#places, this.#json, value, mode);
  }
}

function add(places: Place[], json: Buffer, { start, end }: Span, mode: PersonalDataMode): void {
  if (mode !== "keep" && kindAt(json, start) !== "null") places.push({ start, end, mode });
}

function tagTreatment({ tags }: PersonalDataRules): TagTreatment {
  const unnamed = strictest(tags.map(({ mode }) => mode));
  const modeOfName = (name: string) => tags.find(({ pattern }) => fitsPattern(pattern, name))?.mode ?? "keep";
  return { unnamed, modeOf: (names) => (names.length === 0 ? unnamed : strictest(names.map(modeOfName))) };
}

function strictest(modes: readonly PersonalDataMode[]): PersonalDataMode {
  if (modes.includes("drop")) return "drop";
  return modes.includes("hash") ? "hash" : "keep";
}

/** Values of JSON are apart or one within the other; of the latter, the outer one is replaced. */
function outermost(places: readonly Place[]): Place[] {
  const ordered = places.toSorted((one, other) => one.start - other.start || other.end - one.end);
  let covered = 0;
  return ordered.filter(({ start, end }) => {
    if (start < covered) return false;
    covered = end;
    return true;
  });
}
