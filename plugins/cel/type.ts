/** What is known of a value before an expression runs. */
export interface Type {
  /** `int`, `list`, `dyn` …; `object` has fields. */
  readonly name: string;
  /** Of a list its elements, of a map its keys and values, of an optional its value. */
  readonly of: readonly Type[];
  /** The fields of an object that is known. */
  readonly fields?: Readonly<Record<string, Type>>;
}

const simple = new Map<string, Type>();

/** A type by its name, such as `list<string>`. */
export function type(name: string): Type {
  const known = simple.get(name);
  if (known !== undefined) return known;
  const [, head = name, inner] = /^(\w+)<(.*)>$/.exec(name) ?? [];
  const made: Type = {
    name: head,
    of: inner === undefined ? [] : split(inner).map(type),
  };
  simple.set(name, made);
  return made;
}

/** Parts between the commas of the outermost level. */
export function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const char of text) {
    if (char === "<") depth++;
    if (char === ">") depth--;
    if (char === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += char;
  }
  return part.trim() === "" ? parts : [...parts, part.trim()];
}

/** The type of what nothing is known of. */
export const DYN: Type = type("dyn");

/** A list of what. */
export function listOf(element: Type): Type {
  return { name: "list", of: [element] };
}

/** A map from what to what. */
export function mapOf(key: Type, value: Type): Type {
  return { name: "map", of: [key, value] };
}

/** Something that may be missing. */
export function optionalOf(value: Type): Type {
  return { name: "optional_type", of: [value] };
}

/** An object whose fields are known. */
export function objectOf(fields: Readonly<Record<string, Type>>): Type {
  return { name: "map", of: [type("string"), DYN], fields };
}

/** Whether a value of one type can be where the other is wanted. */
export function fits(found: Type, wanted: Type): boolean {
  if (found.name === "dyn" || wanted.name === "dyn") return true;
  if (found.name !== wanted.name) return false;
  return wanted.of.every((each, index) => {
    const other = found.of[index];
    return other === undefined || fits(other, each);
  });
}

/** What two types have in common: one of them, or `dyn`. */
export function join(a: Type, b: Type): Type {
  return a.name !== "dyn" && fits(a, b) && b.name !== "dyn" ? a : DYN;
}

/** A type as a person reads it. */
export function show({ name, of }: Type): string {
  return of.length === 0 ? name : `${name}(${of.map(show).join(", ")})`;
}
