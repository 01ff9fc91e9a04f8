import { describeObject } from "../manifest.ts";
import { fieldsOf } from "../object_fields.ts";
import { type Fields, recordOf, recordsOf } from "../ready_parts.ts";
import type { Need } from "./needs.ts";
import type { PlacedObject } from "./object_needs.ts";
import { type PolicyRule, RBAC_GROUP } from "./rule.ts";

/** What roles and bindings among the objects ask of whoever applies them. */
export interface Granted {
  /** What has to be allowed. */
  readonly needs: readonly Need[];
  /** Paths that are no resources and have to be allowed in the whole cluster. */
  readonly urls: readonly PolicyRule[];
  /** What was left out, and what else to know: sentences. */
  readonly notes: readonly string[];
}

const NOTHING: Granted = { needs: [], urls: [], notes: [] };

/** Verbs that lead to all other rights; they are never in a role that nobody wrote by hand. */
const RAISING: ReadonlySet<string> = new Set([
  "bind",
  "escalate",
  "impersonate",
]);

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** What of a rule is not given away without a person who says so; `undefined` when nothing is. */
function excessOf(rule: Fields): string | undefined {
  const words = [
    ...textsOf(rule.apiGroups),
    ...textsOf(rule.resources),
    ...textsOf(rule.verbs),
    ...textsOf(rule.nonResourceURLs),
  ];
  return words.find((word) =>
    word === "*" || word.startsWith("*/") || RAISING.has(word)
  );
}

/** A rule, one need for each right in it. */
export function* rightsOf(rule: Fields, namespace: string): Generator<Need> {
  const names = textsOf(rule.resourceNames);
  for (const group of textsOf(rule.apiGroups)) {
    for (const resource of textsOf(rule.resources)) {
      for (const verb of textsOf(rule.verbs)) {
        for (const name of names.length === 0 ? [undefined] : names) {
          yield { namespace, group, resource, name, verb };
        }
      }
    }
  }
}

/** Nobody may grant what they do not have themselves. */
function grantedByRole(object: PlacedObject): Granted {
  const value = fieldsOf(object);
  const what = describeObject(object);
  const rules = recordsOf(value.rules);
  if (value.aggregationRule !== undefined) {
    return {
      ...NOTHING,
      notes: [
        `${what} collects the rights of other roles, which only a cluster administrator may apply: it is left out`,
      ],
    };
  }
  const kept = rules.filter((rule) => excessOf(rule) === undefined);
  const excess = rules.map(excessOf).find((word) => word !== undefined);
  return {
    needs: kept.flatMap((rule) => [...rightsOf(rule, object.namespace)]),
    urls: kept.filter((rule) => textsOf(rule.nonResourceURLs).length > 0)
      .map((rule) => ({
        nonResourceURLs: textsOf(rule.nonResourceURLs),
        verbs: textsOf(rule.verbs),
      })),
    notes: excess === undefined ? [] : [
      `${what} grants "${excess}", and nobody grants what they do not have: the rules with it are left out, ` +
      "give them to the agent by hand if it is to have them",
    ],
  };
}

/** Who binds a role needs leave to bind it, unless they have all that is in it. */
function grantedByBinding(object: PlacedObject): Granted {
  const { kind, name } = recordOf(fieldsOf(object).roleRef);
  if (typeof kind !== "string" || typeof name !== "string") return NOTHING;
  return {
    needs: [{
      namespace: object.namespace,
      group: RBAC_GROUP,
      resource: kind === "ClusterRole" ? "clusterroles" : "roles",
      name,
      verb: "bind",
    }],
    urls: [],
    notes: [
      `${
        describeObject(object)
      } gives away the ${kind} "${name}": the agent may bind it to anybody there`,
    ],
  };
}

/** What the roles and bindings among objects ask of whoever applies them. */
export function grantedBy(objects: readonly PlacedObject[]): Granted {
  const all = objects.filter(({ group }) => group === RBAC_GROUP)
    .map((object) =>
      object.kind.endsWith("Binding")
        ? grantedByBinding(object)
        : grantedByRole(object)
    );
  return {
    needs: all.flatMap(({ needs }) => needs),
    urls: all.flatMap(({ urls }) => urls),
    notes: all.flatMap(({ notes }) => notes),
  };
}
