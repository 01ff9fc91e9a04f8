import type { Clock } from "@transporter/sdk";
import type { TaskContext } from "../runner.ts";
import type { Bounds, JobApi } from "./api.ts";
import { lost } from "./end.ts";
import { type JobSpec, START_SECONDS_MAX } from "./objects.ts";
import { nameOf, ranFor, stateOf } from "./pod.ts";

/** How often is looked at a Pod, in milliseconds. */
export const LOOK_MS = 500;

/** How often is told what a Pod waits for, in milliseconds. */
const TELL_MS = 3000;

/** What a run gets of its event. */
export type JobContext = Omit<TaskContext, "idempotencyKey" | "attempt">;

/** How long the calls for a run may take. */
export function boundsOf({ signal, deadline }: JobContext): Bounds {
  return { signal, until: deadline };
}

/** A script that has begun. */
export interface Begun {
  readonly kind: "begun";
  /** The name of its Pod. */
  readonly name: string;
  /** How much of its time is left, in milliseconds. */
  readonly leftMs: number;
}

/** One that does not. */
export interface Stuck {
  readonly kind: "stuck";
  /** What its Pod says. */
  readonly why: string;
}

/**
 * Waits until the script of a Job has begun, or cannot, or does not in time;
 * tells what it waits for.
 *
 * @throws {TransporterError} `interrupted` when its Pod is lost; the signal's reason.
 */
export async function untilBegun(
  spec: JobSpec,
  context: JobContext,
  { api, clock }: { readonly api: JobApi; readonly clock: Clock },
): Promise<Begun | Stuck> {
  const { timeoutMs } = spec;
  const until = clock.monotonic() + START_SECONDS_MAX * 1000;
  const told = { why: "", at: clock.monotonic() };
  let why = "the cluster has made none";
  for (let hasWaited = false;; hasWaited = true) {
    const pod = await api.pod(spec, boundsOf(context));
    const state = pod && stateOf(pod);
    if (state?.kind === "lost") throw lost(state);
    if (pod && state && state.kind !== "waits") {
      // Of one that was seen to begin no other clock needs to be asked.
      const ranMs = hasWaited ? 0 : ranFor(state, clock.now());
      const leftMs = Math.min(timeoutMs, Math.max(0, timeoutMs - ranMs));
      return { kind: "begun", name: nameOf(pod), leftMs };
    }
    const isHopeless = state?.kind === "waits" && state.isHopeless;
    if (state?.kind === "waits") why = state.why;
    const now = clock.monotonic();
    if (isHopeless || now >= until) return { kind: "stuck", why };
    if (why !== told.why && now - told.at >= TELL_MS) {
      Object.assign(told, { why, at: now });
      await context.report(`Waiting for the Pod of the script: ${why}`);
    }
    await clock.sleep(LOOK_MS, { signal: context.signal });
  }
}
