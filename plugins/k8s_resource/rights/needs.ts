import type { PolicyRule } from "./rule.ts";

/** One thing that has to be allowed. */
export interface Need {
  /** Where; empty: in the whole cluster. */
  readonly namespace: string;
  /** The API group; empty for the core group. */
  readonly group: string;
  /** The plural. */
  readonly resource: string;
  /** Which object; absent: any of them. */
  readonly name?: string | undefined;
  /** What is done. */
  readonly verb: string;
}

/** In the order in which they are written. */
const VERBS = [
  "get",
  "list",
  "watch",
  "create",
  "patch",
  "update",
  "delete",
  "bind",
];

function rank(verb: string): number {
  const index = VERBS.indexOf(verb);
  return index === -1 ? VERBS.length : index;
}

/** The verbs of one resource: those for any object, and those for objects by name. */
function* rulesOfResource(
  needs: readonly Need[],
): Generator<PolicyRule> {
  const [first] = needs;
  if (first === undefined) return;
  const anyName = new Set(
    needs.filter(({ name }) => name === undefined).map(({ verb }) => verb),
  );
  const where = { apiGroups: [first.group], resources: [first.resource] };
  const sorted = (verbs: Iterable<string>) =>
    [...verbs].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  if (anyName.size > 0) yield { ...where, verbs: sorted(anyName) };
  const named = Map.groupBy(
    needs.filter(({ verb }) => !anyName.has(verb)),
    ({ verb }) => verb,
  );
  const byNames = Map.groupBy(
    [...named].map(([verb, each]) => ({
      verb,
      names: [...new Set(each.map(({ name = "" }) => name))].sort(),
    })),
    ({ names }) => names.join("\n"),
  );
  for (const [, each] of byNames) {
    yield {
      ...where,
      resourceNames: each[0]?.names ?? [],
      verbs: sorted(each.map(({ verb }) => verb)),
    };
  }
}

/**
 * The least rules that cover needs of one place. Resources of a group that have
 * the same verbs share a rule, unless it names objects.
 */
export function rulesFor(needs: readonly Need[]): PolicyRule[] {
  const resources = Map.groupBy(
    needs,
    ({ group, resource }) => `${group}/${resource}`,
  );
  const rules = [...resources]
    .sort(([a], [b]) => a < b ? -1 : 1)
    .flatMap(([, each]) => [...rulesOfResource(each)]);
  const shared = Map.groupBy(
    rules,
    ({ apiGroups, resources, resourceNames, verbs }) =>
      JSON.stringify(
        resourceNames === undefined
          ? [apiGroups, verbs]
          : [apiGroups, verbs, resources, resourceNames],
      ),
  );
  return [...shared.values()].flatMap((each) => {
    const [first] = each;
    return first === undefined ? [] : [{
      ...first,
      resources: each.flatMap(({ resources = [] }) => resources),
    }];
  });
}
