import { TransporterError } from "@transporter/sdk";
import { type ApplyContext, limitsOf, look } from "../apply_calls.ts";
import { inParallel } from "../in_parallel.ts";
import type { PlannedObject } from "../plan.ts";
import { type Fields, recordOf, recordsOf } from "../ready_parts.ts";
import { type Amounts, type Demand, demandOf, plus } from "./demand.ts";
import { fieldsOf } from "../object_fields.ts";
import { readQuantity, showQuantity } from "./quantity.ts";
import type { Asker } from "./reviews.ts";

/** What of a quota is not enough. */
interface Shortage {
  readonly quota: string;
  readonly name: string;
  readonly hard: string;
  readonly used: string;
  readonly wanted: number;
}

interface Asking {
  readonly object: PlannedObject;
  readonly demand: Demand;
}

/** The quotas of a namespace; none when they may not be read. Those for some pods only are passed over. */
async function quotasOf(
  namespace: string,
  asker: Asker,
): Promise<readonly Fields[]> {
  try {
    const { body } = await asker.client.call({
      method: "GET",
      path: `/api/v1/namespaces/${
        encodeURIComponent(namespace)
      }/resourcequotas`,
    }, { ...asker.limits, doing: `read the quotas of "${namespace}"` });
    return recordsOf(body.items).filter(({ spec }) => {
      const { scopes, scopeSelector } = recordOf(spec);
      return scopes === undefined && scopeSelector === undefined;
    });
  } catch (error) {
    if (error instanceof TransporterError && error.code === "denied") return [];
    throw error;
  }
}

/** The first thing that a quota has too little of. */
function shortageOf(
  quotas: readonly Fields[],
  wanted: Amounts,
): Shortage | undefined {
  for (const { metadata, status } of quotas) {
    const used = recordOf(recordOf(status).used);
    for (
      const [name, hard] of Object.entries(recordOf(recordOf(status).hard))
    ) {
      const more = wanted.get(name) ?? 0;
      const most = readQuantity(hard);
      const now = readQuantity(used[name]);
      if (more === 0 || most === undefined || now === undefined) continue;
      if (now + more <= most * (1 + Number.EPSILON * 8)) continue;
      return {
        quota: String(recordOf(metadata).name),
        name,
        hard: String(hard),
        used: String(used[name]),
        wanted: more,
      };
    }
  }
  return undefined;
}

function sumOf(asking: readonly Asking[], when: readonly (keyof Demand)[]) {
  return asking.flatMap(({ demand }) => when.map((each) => demand[each]))
    .reduce<Amounts>((sum, each) => plus(sum, each), new Map());
}

/** Those that are not there: what is there counts already. */
async function absentOf(
  asking: readonly Asking[],
  apply: ApplyContext,
): Promise<readonly Asking[]> {
  const absent = new Set<Asking>();
  await inParallel(asking, async (each) => {
    const { object } = each;
    const found = await look(
      { method: "GET", path: object.path },
      limitsOf(object, apply, "read"),
      apply,
    );
    if (found === null) absent.add(each);
  });
  return asking.filter((each) => absent.has(each));
}

function sentenceOf(
  { quota, name, hard, used, wanted }: Shortage,
  namespace: string,
): string {
  return `the ResourceQuota "${quota}" in namespace "${namespace}" allows ${hard} of "${name}", ${used} are used and the event needs ${
    showQuantity(wanted)
  } more`;
}

/**
 * Adds up what the new objects of an event count against the quotas of their
 * namespaces. What the server would refuse, when it comes to it, ends the event
 * before it begins; pods that a controller could not make are warned of, as
 * there may be fewer of them by then.
 *
 * @returns What is not enough; `undefined` when all is, or may not be read.
 * @throws {TransporterError} `cluster_unavailable` or `unauthenticated`.
 */
export async function checkQuotas(
  objects: readonly PlannedObject[],
  apply: ApplyContext,
  asker: Asker,
): Promise<TransporterError | undefined> {
  const { reviews } = apply.cluster;
  const places = Map.groupBy(
    objects.filter((each) => each.namespace !== "" && !each.namespaceDeclared),
    ({ namespace }) => namespace,
  );
  for (const [namespace, each] of places) {
    let quotas: readonly Fields[] = [];
    const isFree = await reviews.isWell(
      `${asker.identity} quotas ${namespace}`,
      async () => {
        quotas = await quotasOf(namespace, asker);
        return quotas.length === 0;
      },
    );
    if (isFree) continue;
    const all = each.map((object): Asking => ({
      object,
      demand: demandOf(object, fieldsOf(object)),
    }));
    if (shortageOf(quotas, sumOf(all, ["now", "later"])) === undefined) {
      continue;
    }
    const absent = await absentOf(all, apply);
    const refused = shortageOf(quotas, sumOf(absent, ["now"]));
    if (refused !== undefined) {
      return new TransporterError(
        "denied",
        `Cannot apply objects: ${
          sentenceOf(refused, namespace)
        }, so nothing was begun`,
        { details: { shortage: { namespace, ...refused } } },
      );
    }
    const short = shortageOf(quotas, sumOf(absent, ["now", "later"]));
    if (short !== undefined) {
      asker.warn(
        `Not all pods may come to be: ${sentenceOf(short, namespace)}`,
      );
    }
  }
  return undefined;
}
