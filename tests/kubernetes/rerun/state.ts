/**
 * What a cluster has of a place, so that two places can be compared.
 *
 * @module
 */
import type { LocalKube } from "../../../deploy/localkube/mod.ts";
import { groupOf, secondOf } from "./bundle.ts";

type Fields = Readonly<Record<string, unknown>>;

/** An object as the API server has it. */
interface Live extends Fields {
  readonly kind?: string;
  readonly metadata: Fields & {
    readonly name: string;
    readonly managedFields?: readonly {
      readonly manager: string;
      readonly operation: string;
      readonly subresource?: string;
      readonly fieldsV1: unknown;
    }[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

const NAMESPACED = [
  "/api/v1/%/configmaps",
  "/api/v1/%/secrets",
  "/api/v1/%/serviceaccounts",
  "/api/v1/%/services",
  "/apis/apps/v1/%/deployments",
  "/apis/rbac.authorization.k8s.io/v1/%/roles",
];

const OURS = "transporter";

/** Annotations that name events and their times, or count what a controller did. */
const PASSING = /^(transporter\/|deployment\.kubernetes\.io\/revision$)/;

/** The id of an ApplySet is a hash of its namespace. */
const SET_ID = /applyset-[\w-]+-v1/g;

/** What the API server makes up for a Service. */
const MADE_UP = ["clusterIP", "clusterIPs"];

function normalised(object: Live): unknown {
  const {
    uid: _u,
    resourceVersion: _r,
    creationTimestamp: _c,
    generation: _g,
    managedFields = [],
    annotations = {},
    name,
    generateName,
    ...metadata
  } = object.metadata;
  const { status: _s, ...rest } = object;
  const spec = rest["spec"];
  return {
    ...rest,
    ...(typeof spec === "object" && spec !== null
      ? {
        spec: Object.fromEntries(
          Object.entries(spec).filter(([key]) => !MADE_UP.includes(key)),
        ),
      }
      : {}),
    metadata: {
      ...metadata,
      // Its end is a hash of the event's id, which differs.
      name: generateName === undefined ? name : `${generateName}*`,
      annotations: Object.fromEntries(
        Object.entries(annotations).filter(([key]) => !PASSING.test(key)),
      ),
      managers: managedFields
        .filter(({ subresource, manager }) =>
          subresource === undefined && !manager.startsWith("kube-")
        )
        .map(({ manager, operation, fieldsV1 }) => ({
          manager,
          operation,
          fieldsV1,
        })),
    },
  };
}

/** Writes objects with their keys in order, so that equal ones are equal texts. */
function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
      .map(([key, each]) => [key, stable(each)]),
  );
}

async function listed(kube: LocalKube, path: string): Promise<Live[]> {
  const answer = await kube.fetch(path);
  const body = await answer.json();
  if (answer.status === 429) { // a new kind, of which the server is not ready to tell
    await new Promise((resolve) => setTimeout(resolve, 200));
    return await listed(kube, path);
  }
  if (answer.status === 404) return [];
  if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(body)}`);
  const { items, kind } = body as { items?: Live[]; kind: string };
  if (items === undefined) return [body as Live];
  return items.map((item) => ({ kind: kind.replace(/List$/, ""), ...item }));
}

/** Every object of ours in a place, without what differs from place to place and from time to time. */
export async function stateOf(
  kube: LocalKube,
  place: string,
): Promise<readonly string[]> {
  const group = groupOf(place);
  const paths = [
    ...[...NAMESPACED, `/apis/${group}/v1/%/things`].flatMap((path) =>
      [place, secondOf(place)].map((namespace) =>
        path.replace("%", `namespaces/${namespace}`)
      )
    ),
    `/api/v1/namespaces/${secondOf(place)}`,
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
  ];
  const found: string[] = [];
  for (const path of paths) {
    for (const object of await listed(kube, path)) {
      const isOurs = object.metadata.managedFields?.some(({ manager }) =>
        manager.startsWith(OURS)
      );
      if (isOurs !== true) continue;
      found.push(
        JSON.stringify(stable(normalised(object)), undefined, 1)
          .replaceAll(place, "PLACE").replaceAll(SET_ID, "SET"),
      );
    }
  }
  // Equal ones are told apart, so that one too many is a difference.
  return found.sort().map((text, i) =>
    text === found[i - 1] ? `${text} again, at ${i}` : text
  );
}
