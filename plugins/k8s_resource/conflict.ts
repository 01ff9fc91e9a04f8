import { readYaml } from "./yaml_document.ts";
import { isMapping, type Value } from "./yaml_value.ts";

/** A field that an apply wants and another manager owns. */
export interface FieldConflict {
  /** Who owns it. */
  readonly manager: string;
  /** How it was written. */
  readonly operation: "Apply" | "Update";
  /** Through which part of the object, such as `scale`; empty for the object itself. */
  readonly subresource: string;
  /** Its path, such as `.spec.template.spec.containers[name="web"].args`. */
  readonly field: string;
}

/** Finds an element by its keys, such as `[name="web",port=80]`. */
function elementAt(
  list: readonly Value[],
  selector: string,
): Value | undefined {
  return list.find((element) =>
    isMapping(element) &&
    selector.slice(1, -1).split(",").every((part) => {
      const at = part.indexOf("=");
      return JSON.stringify(element[part.slice(0, at)]) === part.slice(at + 1);
    })
  );
}

/** What stands at a path; names of fields may have dots in them. */
function valueAt(value: Value | undefined, path: string): Value | undefined {
  if (path === "" || value === undefined) return value;
  if (Array.isArray(value)) {
    const selector = /^\[[^\]]*\]/.exec(path)?.[0];
    if (selector === undefined) return undefined;
    return valueAt(elementAt(value, selector), path.slice(selector.length));
  }
  if (!isMapping(value)) return undefined;
  for (const [key, each] of Object.entries(value)) {
    const rest = path.slice(key.length + 1);
    if (path.startsWith(`.${key}`) && /^($|[.[])/.test(rest)) {
      return valueAt(each, rest);
    }
  }
  return undefined;
}

/** Names an owner for people: who has scaled, or written a status, did so by a part of the object. */
function ownerOf(
  { manager, subresource }: Pick<FieldConflict, "manager" | "subresource">,
): string {
  return subresource === ""
    ? `"${manager}"`
    : `"${manager}" (by the subresource "${subresource}")`;
}

/**
 * Says who owns what an apply wanted, and the way out: continues a sentence.
 *
 * @param conflicts The fields.
 * @param body The manifest; a list in it that is owned as a whole is called so.
 */
export function describeConflicts(
  conflicts: readonly Pick<
    FieldConflict,
    "manager" | "subresource" | "field"
  >[],
  body: string,
): string {
  const { value } = readYaml(body);
  const fields = Map.groupBy(conflicts, ownerOf);
  const owners = [...fields].map(([owner, owned]) => {
    const names = owned.map(({ field }) =>
      Array.isArray(valueAt(value, field)) ? `${field} (the whole list)` : field
    );
    return `${owner} owns ${names.join(", ")}`;
  });
  return `${owners.join("; ")}; take these fields out of the manifest, ` +
    'let their manager give them up, or set "force_conflicts" to take them over';
}
