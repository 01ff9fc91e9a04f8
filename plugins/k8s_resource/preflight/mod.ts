/**
 * What is found out about an event before any of it is done, so that one that
 * cannot succeed leaves nothing half done.
 *
 * @module
 */
import type { ExecutorContext, TransporterError } from "@transporter/sdk";
import type { ApplyContext } from "../apply_calls.ts";
import { type Cluster, phaseEnd } from "../cluster.ts";
import type { Operation } from "../options.ts";
import type { Plan } from "../plan.ts";
import { Progress, withResult } from "../progress.ts";
import { checkAccess } from "./access.ts";
import { checkDefinitions } from "./definitions.ts";
import { checkGrants } from "./grants.ts";
import { checkNamespaces } from "./namespaces.ts";
import { checkQuotas } from "./quota.ts";
import type { Asker } from "./reviews.ts";

/** Operations that change objects. */
const WRITES: ReadonlySet<Operation> = new Set(["apply", "delete", "patch"]);

/** What is looked at. */
function checksOf({ objects, options: { operation } }: Plan) {
  if (!WRITES.has(operation)) return [];
  const isOne = objects.length === 1;
  if (operation !== "apply") return isOne ? [] : [checkAccess];
  const definitions = objects.some(({ declares }) => declares !== undefined)
    ? [checkDefinitions]
    : [];
  return isOne ? definitions : [
    checkNamespaces,
    checkAccess,
    checkGrants,
    checkQuotas,
    ...definitions,
  ];
}

/** The same error, with objects of which none was begun. */
function nothingBegun(plan: Plan, error: TransporterError): TransporterError {
  const progress = new Progress(plan);
  progress.fail(error);
  return withResult(error, progress.result());
}

/**
 * Finds out whether an event of several objects can be done as a whole. One of
 * a single object is either done or not, which its own request tells, and pays
 * for no others; only a definition of a kind is looked at even so.
 *
 * @param plan What is going to be done.
 * @param cluster Where, with whose rights.
 * @param context The event's.
 * @returns The plan, with what the producer should know besides.
 * @throws {TransporterError} `denied` when a right or room in a quota is missing, `conflict` when a namespace is being deleted;
 * `details.result` names every object as not attempted. Also `cluster_unavailable` and `unauthenticated`.
 */
export async function preflight(
  plan: Plan,
  cluster: Cluster,
  context: ExecutorContext,
): Promise<Plan> {
  const { objects, options } = plan;
  const checks = checksOf(plan);
  if (checks.length === 0) return plan;
  const until = phaseEnd(cluster, context, plan);
  const { states } = plan;
  const apply: ApplyContext = { cluster, context, options, until, states };
  const warnings = [...plan.warnings];
  const asker: Asker = {
    client: cluster.client,
    identity: JSON.stringify(options.as ?? null),
    limits: { signal: context.signal, until },
    warn: (warning) => warnings.push(warning),
  };
  for (const check of checks) {
    const refusal = await check(objects, apply, asker);
    if (refusal !== undefined) throw nothingBegun(plan, refusal);
  }
  return { ...plan, warnings };
}
