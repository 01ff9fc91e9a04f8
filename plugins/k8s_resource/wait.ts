import { TransporterError } from "@transporter/sdk";
import type { ApplyContext } from "./apply_calls.ts";
import { describeObject } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";
import { becomesReady, type Readiness, readiness } from "./ready.ts";
import { isCustom } from "./ready_custom.ts";
import { unchecked } from "./ready_parts.ts";
import { StorageClasses } from "./storage_class.ts";

/** Objects that are read at the same time. */
const PARALLEL = 8;

/** Between two looks, in milliseconds: at first, and after a while. */
const INTERVAL_MS = { first: 100, last: 2_000, growth: 1.5 } as const;

/** An object, and what is known of it. */
interface Seen {
  readonly object: PlannedObject;
  readonly state: Readiness;
}

async function lookAt(
  object: PlannedObject,
  apply: ApplyContext,
): Promise<Readiness> {
  const { cluster, context, until } = apply;
  try {
    const found = await cluster.client.find(
      { method: "GET", path: object.path },
      {
        doing: `read ${describeObject(object)} back`,
        signal: context.signal,
        until,
      },
    );
    if (found === undefined) {
      return { ready: false, failed: true, reason: "it is gone" };
    }
    return readiness(found.body);
  } catch (error) {
    // Who may apply a kind need not be allowed to read it; that it becomes ready at all is a guess.
    if (
      error instanceof TransporterError && error.code === "denied" &&
      isCustom(object)
    ) return unchecked("it may not be read");
    throw error;
  }
}

async function lookAtAll(
  objects: readonly PlannedObject[],
  apply: ApplyContext,
  classes: StorageClasses,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (let i = 0; i < objects.length; i += PARALLEL) {
    const states = await Promise.all(
      objects.slice(i, i + PARALLEL).map(async (object) => ({
        object,
        state: await classes.refine(await lookAt(object, apply)),
      })),
    );
    seen.push(...states);
  }
  return seen;
}

/**
 * Waits until objects are ready. Reports what is waited for, and why, each
 * time that changes. Only kinds that become ready after they are applied are
 * looked at.
 *
 * @param objects What to wait for.
 * @param apply Where, and until when.
 * @returns Warnings: the objects that are only taken for ready, and why.
 * @throws {TransporterError} `failed`: one cannot become ready; `not_ready`: one is not when time is up.
 */
export async function waitUntilReady(
  objects: readonly PlannedObject[],
  apply: ApplyContext,
): Promise<readonly string[]> {
  const { cluster, context, until } = apply;
  const classes = new StorageClasses(apply);
  const warnings: string[] = [];
  let left = objects.filter(becomesReady);
  let intervalMs: number = INTERVAL_MS.first;
  let reported = "";
  for (;;) {
    const seen = await lookAtAll(left, apply, classes);
    for (const { object, state } of seen) {
      if (!state.unchecked) continue;
      warnings.push(
        `${
          describeObject(object)
        }: its readiness is unchecked: ${state.reason}`,
      );
    }
    const waiting = seen.filter(({ state }) => !state.ready);
    const lost = waiting.find(({ state }) => state.failed);
    if (lost !== undefined) {
      const what = describeObject(lost.object);
      throw new TransporterError(
        "failed",
        `Cannot get ${what} ready: ${lost.state.reason}`,
      );
    }
    const [first] = waiting;
    if (first === undefined) return warnings;
    const what = describeObject(first.object);
    const more = waiting.length === 1
      ? ""
      : ` (and ${waiting.length - 1} more)`;
    const now = `${what}: ${first.state.reason}${more}`;
    if (cluster.clock.now() + intervalMs >= until) {
      throw new TransporterError(
        "not_ready",
        `Cannot get ${what} ready in time: ${first.state.reason}${more}`,
      );
    }
    if (now !== reported) await context.report(`Waiting for ${now}`);
    reported = now;
    await cluster.clock.sleep(intervalMs, { signal: context.signal });
    intervalMs = Math.min(INTERVAL_MS.last, intervalMs * INTERVAL_MS.growth);
    left = waiting.map(({ object }) => object);
  }
}
