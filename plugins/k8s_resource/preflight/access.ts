import { TransporterError } from "@transporter/sdk";
import { type ApplyContext, limitsOf, look } from "../apply_calls.ts";
import { inParallel } from "../in_parallel.ts";
import { describeObject } from "../manifest.ts";
import type { Options } from "../event_options.ts";
import type { Operation } from "../options.ts";
import type { PlannedObject } from "../plan.ts";
import { grantsTo } from "./identity.ts";
import type { Fields } from "../ready_parts.ts";
import { type Asker, isListed, type Right } from "./reviews.ts";

/** Rights that an error names; what is missing besides does not matter. */
const MISSING_MAX = 20;

/** A right that an object needs. */
interface Wanted {
  readonly object: PlannedObject;
  readonly right: Right;
}

/** What is done with an object that it can be refused for. */
function verbsOf(
  { generateName }: PlannedObject,
  operation: Operation,
): readonly string[] {
  switch (operation) {
    case "apply":
      return generateName === undefined ? ["patch", "create"] : ["create"];
    case "patch":
      return ["get", "patch"];
    case "delete":
      return ["get", "delete"];
    default:
      return []; // what only looks goes on when something may not be looked at
  }
}

/** Where a right has to hold. A namespace that is there counts as one of its own objects. */
function placeOf(
  { namespace, group, kind, name }: PlannedObject,
  verb: string,
): string {
  const isNamespace = group === "" && kind === "Namespace";
  return isNamespace && verb !== "create" ? name : namespace;
}

function wantedBy(object: PlannedObject, operation: Operation): Wanted[] {
  const { group, resource, generateName } = object;
  // The server judges a POST before it knows the name.
  const name = generateName === undefined ? object.name : "";
  return verbsOf(object, operation).map((verb) => ({
    object,
    right: { namespace: placeOf(object, verb), group, resource, name, verb },
  }));
}

/** Whether a right that is missing is not needed, as the object is there, or is not. */
async function isSpare(
  { object, right }: Wanted,
  apply: ApplyContext,
): Promise<boolean> {
  const { operation, createOnly } = apply.options;
  const onlyAbsent = operation === "apply" &&
    (right.verb === "create" || createOnly);
  const onlyPresent = operation === "delete" && right.verb === "delete";
  if (!onlyAbsent && !onlyPresent || object.generateName !== undefined) {
    return false;
  }
  const found = await look(
    { method: "GET", path: object.path },
    limitsOf(object, apply, "read"),
    apply,
  );
  if (found === undefined) return true; // we may not look, so the server has to say
  return onlyAbsent ? found !== null : found === null;
}

/** Rights that the server says are missing, in the order of the manifests; not all when there are many. */
async function missingOf(
  wanted: readonly Wanted[],
  apply: ApplyContext,
  asker: Asker,
): Promise<readonly Wanted[]> {
  const { reviews } = apply.cluster;
  const namespaces = new Set(
    wanted.map(({ object }) => object.namespace).filter((name) => name !== ""),
  );
  const rules = new Map<string, readonly Fields[]>();
  for (const namespace of namespaces) {
    rules.set(namespace, await reviews.rulesIn(namespace, asker));
  }
  const missing = new Set<Wanted>();
  const ask = async (each: Wanted) => {
    const { object, right } = each;
    // The rules of a namespace may also name what belongs to the whole cluster, to no effect.
    if (isListed(rules.get(object.namespace) ?? [], right)) return;
    const isAny = { ...right, name: "", namespace: object.namespace };
    if (await reviews.isAllowed(isAny, asker) !== false) return;
    const isDenied = right.name === "" ||
      await reviews.isAllowed(right, asker) === false;
    if (isDenied && !await isSpare(each, apply)) missing.add(each);
  };
  await inParallel(wanted, ask, {
    isOver: () => missing.size >= MISSING_MAX,
  });
  return wanted.filter((each) => missing.has(each));
}

/** In the words in which the server refuses it. */
function sentenceOf({ right }: Wanted): string {
  const { verb, resource, group, namespace } = right;
  const where = namespace === ""
    ? "at the cluster scope"
    : `in the namespace "${namespace}"`;
  return `cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
}

function refusalOf(
  missing: readonly Wanted[],
  { operation, as }: Options,
): TransporterError | undefined {
  const [first, ...rest] = missing;
  if (first === undefined) return undefined;
  const who = as === undefined
    ? "the agent"
    : `the ServiceAccount "${as.service_account}"`;
  const more = rest.length === 0 ? "" : ` (and ${rest.length} more)`;
  return new TransporterError(
    "denied",
    `Cannot ${operation} ${describeObject(first.object)}: ${who} ${
      sentenceOf(first)
    }${more}, so nothing was begun; "transporter rbac generate" prints the rights that manifests need`,
    { details: { missing: missing.map(({ right }) => right) } },
  );
}

/**
 * Asks whether all that an event does is allowed, before any of it is done. A
 * right that the event gives to itself by a binding is not missed.
 *
 * @param objects The objects.
 * @param apply Where, and what is done with them.
 * @param asker Asks as the identity that does it.
 * @returns What is missing; `undefined` when all is allowed, or nobody knows.
 * @throws {TransporterError} `cluster_unavailable` or `unauthenticated`.
 */
export async function checkAccess(
  objects: readonly PlannedObject[],
  apply: ApplyContext,
  asker: Asker,
): Promise<TransporterError | undefined> {
  const { options } = apply;
  const { operation } = options;
  const wanted = objects.flatMap((object) => wantedBy(object, operation));
  let missing = await missingOf(wanted, apply, asker);
  if (missing.length === 0) return undefined;
  // A server that has only just started knows of no rights yet.
  if (await asker.client.settle(asker.limits)) {
    missing = await missingOf(wanted, apply, asker);
  }
  if (operation === "apply" && await grantsTo(objects, asker)) return undefined;
  return refusalOf(missing, options);
}
