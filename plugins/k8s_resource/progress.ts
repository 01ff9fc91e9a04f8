import { TransporterError } from "@transporter/sdk";
import type { ApplyContext } from "./apply_calls.ts";
import { inParallel } from "./in_parallel.ts";
import { describeObject, objectKey } from "./manifest.ts";
import type { Operation } from "./options.ts";
import type { Plan, PlannedObject } from "./plan.ts";
import { type BundleResult, type ObjectResult, resultOf } from "./result.ts";

/** What was special about a change: it was made anew, set right, or left out of its ApplySet. */
export type How = "replaced" | "healed" | "pruned";

/** What became of one object. */
export interface Done {
  /** What became of it. */
  readonly result: ObjectResult;
  /** What was special about that. */
  readonly how?: How | undefined;
  /** What the server warned of. */
  readonly warnings?: readonly string[];
}

/** What an event has done so far. */
export class Progress {
  readonly #plan: Plan;
  readonly #results = new Map<PlannedObject, ObjectResult>();
  readonly #warnings: Set<string>;
  readonly #goesOn: boolean;
  /** The first error, which the event ends with. */
  #error: TransporterError | undefined;

  /**
   * Begins with nothing done.
   *
   * @param plan What is to be done.
   * @param options Whether to go on with the other objects when one has failed.
   */
  constructor(plan: Plan, { goOn = false }: { readonly goOn?: boolean } = {}) {
    this.#plan = plan;
    this.#goesOn = goOn;
    this.#warnings = new Set(plan.warnings);
  }

  /** The first error, which the event ends with. */
  get error(): TransporterError | undefined {
    return this.#error;
  }

  /** How many objects are done, whatever became of them. */
  get done(): number {
    return this.#results.size;
  }

  /** Remembers the first failure; nothing new is begun after it. */
  fail(error: TransporterError): void {
    this.#error ??= error;
  }

  /** Notes what the producer should know. */
  warn(warning: string): void {
    this.#warnings.add(warning);
  }

  /** Works on a group; after a failure nothing new is begun unless it goes on, and what was begun is finished. */
  async run(
    group: readonly PlannedObject[],
    apply: ApplyContext,
    work: (object: PlannedObject, apply: ApplyContext) => Promise<Done>,
  ): Promise<void> {
    await inParallel(
      group,
      (object) => this.#one(object, apply, work),
      {
        isOver: () =>
          this.#error !== undefined && !this.#goesOn ||
          apply.context.signal.aborted,
        bytesOf: ({ body }) => body.length,
      },
    );
  }

  async #one(
    object: PlannedObject,
    apply: ApplyContext,
    work: (object: PlannedObject, apply: ApplyContext) => Promise<Done>,
  ): Promise<void> {
    const { states } = this.#plan;
    states.begin(object, this.#plan.options.operation);
    try {
      const { result, how, warnings = [] } = overtaken(object, apply) ??
        await work(object, apply);
      const duration = states.end(object, result);
      this.#results.set(object, { ...result, duration });
      noteChange(object, { result, how }, apply);
      for (const warning of warnings) this.warn(warning);
    } catch (reason) {
      const error = TransporterError.from(reason);
      // A request that was cut off may have been done.
      const cut = apply.context.signal.aborted ||
        error.details?.["maybe_done"] === true;
      const outcome = cut ? "unknown" : "failed";
      const result = resultOf(object, outcome, error.message);
      const duration = states.end(object, result);
      this.#results.set(object, { ...result, duration });
      this.fail(error);
    }
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

/** Operations that leave nothing as it was. */
const WRITES: ReadonlySet<Operation> = new Set(["apply", "delete", "patch"]);

/** Whether an event changes anything. */
export function writes(
  { dryRun, operation }: Pick<Plan["options"], "dryRun" | "operation">,
): boolean {
  return !dryRun && WRITES.has(operation);
}

/**
 * An object that a later event has had its hands on while this one waited for
 * another attempt is left as that one has made it: it would have been without
 * the interruption, too.
 */
function overtaken(
  object: PlannedObject,
  { cluster, context, options }: ApplyContext,
): Done | undefined {
  const { attempt, idempotencyKey } = context;
  if (attempt === 1 || !writes(options)) return undefined;
  const later = cluster.changes.later(objectKey(object), idempotencyKey);
  if (later === undefined) return undefined;
  const why = `the later event "${later}" has seen to it since`;
  return {
    result: resultOf(
      object,
      "skipped",
      `${describeObject(object)} is left as it is: ${why}`,
    ),
  };
}

/** Outcomes that leave an object as another one, and as it was. */
const CHANGED: ReadonlySet<string> = new Set([
  "created",
  "configured",
  "deleted",
]);
const SAME: ReadonlySet<string> = new Set(["unchanged", "skipped"]);

/** Tells the events that wait for an object that it is another one, and the cluster who did it. */
export function noteChange(
  object: PlannedObject,
  { result, how }: Pick<Done, "result" | "how">,
  { cluster, context, options }: ApplyContext,
): void {
  const { status } = result;
  const changed = CHANGED.has(status);
  if (options.dryRun || !(changed || SAME.has(status))) return;
  const event = context.idempotencyKey;
  cluster.changes.note(objectKey(object), { event, changed });
  if (!changed) return;
  const deed = { object, result, how, context, options };
  cluster.recorder?.note(deed, cluster.client);
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
