import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import { applyObject } from "./apply.ts";
import type { ApplyContext } from "./apply_calls.ts";
import { type Cluster, phaseEnd } from "./cluster.ts";
import { inOrder } from "./order.ts";
import type { Plan, PlannedObject } from "./plan.ts";
import { type BundleResult, type ObjectResult, resultOf } from "./result.ts";
import { waitUntilReady } from "./wait.ts";

/** Objects of one event that are applied at the same time. */
const PARALLEL = 8;

/** What has been done so far. */
class Progress {
  readonly #plan: Plan;
  readonly #results = new Map<PlannedObject, ObjectResult>();
  readonly #warnings: Set<string>;
  /** The first error, which the event ends with. */
  #error: TransporterError | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#warnings = new Set(plan.warnings);
  }

  get error(): TransporterError | undefined {
    return this.#error;
  }

  get done(): number {
    return this.#results.size;
  }

  add(
    object: PlannedObject,
    result: ObjectResult,
    warnings: readonly string[] = [],
  ): void {
    this.#results.set(object, result);
    for (const warning of warnings) this.#warnings.add(warning);
  }

  fail(error: TransporterError): void {
    this.#error ??= error;
  }

  /** What became of every object, in the order of the manifests. */
  result(): BundleResult {
    const left = this.#error === undefined
      ? ""
      : `Not attempted: ${this.#error.message}`;
    return {
      resource_status: this.#plan.objects.map((object) =>
        this.#results.get(object) ?? resultOf(object, "not_attempted", left)
      ),
      ...(this.#warnings.size === 0 ? {} : { warnings: [...this.#warnings] }),
    };
  }
}

async function applyOne(
  object: PlannedObject,
  progress: Progress,
  apply: ApplyContext,
): Promise<void> {
  try {
    const { result, warnings } = await applyObject(object, apply);
    progress.add(object, result, warnings);
  } catch (reason) {
    const error = TransporterError.from(reason);
    // A request that was cut off may have been done.
    const outcome = apply.context.signal.aborted ? "unknown" : "failed";
    progress.add(object, resultOf(object, outcome, error.message));
    progress.fail(error);
  }
}

/** Applies a group; after a failure nothing new is begun, and what was begun is finished. */
async function applyGroup(
  group: readonly PlannedObject[],
  progress: Progress,
  apply: ApplyContext,
): Promise<void> {
  const waiting = group.values();
  async function work(): Promise<void> {
    for (const object of waiting) {
      if (progress.error !== undefined) return;
      await applyOne(object, progress, apply);
    }
  }
  await Promise.all(
    Array.from({ length: Math.min(PARALLEL, group.length) }, work),
  );
}

/** New kinds can be used once their definitions are established. */
async function establish(
  group: readonly PlannedObject[],
  apply: ApplyContext,
): Promise<void> {
  const definitions = group.filter(({ declares }) => declares !== undefined);
  if (definitions.length === 0) return;
  apply.cluster.discovery.forget();
  await waitUntilReady(definitions, apply);
}

/**
 * Applies the objects of a plan, group after group. Stops at the first group
 * in which something fails; nothing is undone.
 *
 * @param plan The objects.
 * @param cluster Where to.
 * @param context The event's.
 * @returns What became of each.
 * @throws {TransporterError} The code of the first failure; `details.result` says what became of each object.
 */
export async function applyBundle(
  plan: Plan,
  cluster: Cluster,
  context: ExecutorContext,
): Promise<BundleResult> {
  const apply: ApplyContext = {
    cluster,
    context,
    until: phaseEnd(cluster, context),
  };
  const progress = new Progress(plan);
  const groups = inOrder(plan.objects);
  for (const [index, group] of groups.entries()) {
    await applyGroup(group, progress, apply);
    if (progress.error === undefined && index < groups.length - 1) {
      await establish(group, apply).catch((reason) =>
        progress.fail(TransporterError.from(reason))
      );
    }
    if (progress.error !== undefined) {
      throw withResult(progress.error, progress.result());
    }
    if (index < groups.length - 1) {
      await context.report(
        `Applied ${progress.done} of ${plan.objects.length} objects`,
      );
    }
  }
  return progress.result();
}

/** The same error, with what was done until it happened. */
export function withResult(
  error: TransporterError,
  result: BundleResult,
): TransporterError {
  return new TransporterError(error.code, error.message, {
    cause: error,
    details: { ...error.details, result },
  });
}
