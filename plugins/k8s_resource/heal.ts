import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import { applyObject } from "./apply.ts";
import { type Cluster, phaseEnd } from "./cluster.ts";
import { objectKey } from "./manifest.ts";
import { pinned } from "./pin.ts";
import type { Plan, PlannedObject } from "./plan.ts";
import { noteChange } from "./progress.ts";
import type { ObjectResult } from "./result.ts";

/** How often an object is set right: what needs it more often is changed by somebody who means it. */
const HEALS_MAX = 3;

/**
 * Milliseconds for which it counts that an object was set right, also when it is in order again: who fights is often
 * slower than the checks (Argo CD comes every 3 min, Flux every 10 min or every hour).
 */
const HEALS_KEPT_MS = 86_400_000;

/**
 * Sets objects right that a standing check finds to differ, and fights nobody:
 * neither another event, nor whoever changes an object again and again.
 */
export class Healer implements Disposable {
  readonly #plan: Plan;
  readonly #cluster: Cluster;
  readonly #context: ExecutorContext;
  readonly #listening: Disposable;
  /** The events that have changed objects since, by the objects' keys. */
  readonly #overtaken = new Map<string, string>();
  /** When each was set right; what is not in order is never forgotten, so that a fight ends. */
  readonly #heals = new Map<string, readonly number[]>();
  /** Those that were in order once, since when whatever differs is a drift; `undefined`: all. */
  readonly #known: Set<string> | undefined;

  /** Begins to listen for other events; dispose it when the check is over. */
  constructor(plan: Plan, cluster: Cluster, context: ExecutorContext) {
    this.#plan = plan;
    this.#cluster = cluster;
    this.#context = context;
    this.#known = context.again === true ? new Set() : undefined;
    const own = new Set(plan.objects.map(objectKey));
    const { changes } = cluster;
    this.#listening = changes.listen((key) => {
      if (!own.has(key)) return;
      const event = changes.since(key, context.idempotencyKey);
      if (event !== undefined) this.#overtaken.set(key, event);
    });
  }

  /**
   * Sets an object right, or says why not.
   *
   * @param object The object.
   * @param seen How the check found it.
   * @returns What became of it, for people: `was drifted and is set right`; `undefined` when it was in order, or
   * could not be compared.
   * @throws {TransporterError} The event was aborted.
   */
  async heal(
    object: PlannedObject,
    seen: ObjectResult,
  ): Promise<string | undefined> {
    const key = objectKey(object);
    if (seen.status === "unchanged") {
      this.#forget(key);
      this.#known?.add(key);
      return undefined;
    }
    if (seen.status !== "drifted" && seen.status !== "missing") {
      return undefined;
    }
    const why = this.#reasonToLeave(key);
    if (why !== undefined) return why;
    try {
      await this.#apply(object, seen);
      this.#count(key);
      return `was ${seen.status} and is set right`;
    } catch (error) {
      this.#context.signal.throwIfAborted();
      const { message, details } = TransporterError.from(error);
      // It counts, or an answer that is lost each time would hide a fight.
      if (details?.["maybe_done"] !== true) {
        return `is ${seen.status} and cannot be set right: ${message}`;
      }
      this.#count(key);
      return `was ${seen.status} and may be set right by now: ${message}`;
    }
  }

  /** Listens no more. */
  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  /** Notes that an object was set right. */
  #count(key: string): void {
    const now = this.#cluster.clock.monotonic();
    this.#heals.set(key, [...this.#heals.get(key) ?? [], now]);
  }

  /** What is in order counts as set right for a while only: once in a while is no fight. */
  #forget(key: string): void {
    const since = this.#cluster.clock.monotonic() - HEALS_KEPT_MS;
    const kept = this.#heals.get(key)?.filter((at) => at > since) ?? [];
    if (kept.length === 0) this.#heals.delete(key);
    else this.#heals.set(key, kept);
  }

  #reasonToLeave(key: string): string | undefined {
    const event = this.#overtaken.get(key);
    if (event !== undefined) {
      return `is left, as the event "${event}" has changed it since`;
    }
    if (this.#known !== undefined && !this.#known.has(key)) {
      return "is left, as it may have been changed on purpose while the agent was away";
    }
    if ((this.#heals.get(key)?.length ?? 0) < HEALS_MAX) return undefined;
    return `is left, as something has changed it again after each of ${HEALS_MAX} times that it was set right`;
  }

  /** Only the object that was looked at: who has changed it meanwhile is not overwritten unseen. */
  async #apply(object: PlannedObject, seen: ObjectResult): Promise<void> {
    const cluster = this.#cluster;
    const context = this.#context;
    const options = {
      ...this.#plan.options,
      operation: "apply" as const,
      forceConflicts: true,
    };
    const until = phaseEnd(cluster, context, { options });
    const { resource_version: resourceVersion } = seen;
    const { states } = this.#plan;
    const apply = { cluster, context, options, until, states };
    const { result } = await applyObject(
      resourceVersion === undefined || object.pinned
        ? object
        : pinned(object, resourceVersion),
      apply,
    );
    noteChange(object, { result, how: "healed" }, apply);
  }
}
