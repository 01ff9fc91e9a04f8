import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import type { Cluster } from "./cluster.ts";
import { compareBundle } from "./diff_bundle.ts";
import { Healer } from "./heal.ts";
import { describeObject } from "./manifest.ts";
import type { Mask } from "./mask.ts";
import type { Plan } from "./plan.ts";
import type { BundleResult, ObjectResult } from "./result.ts";

/** Milliseconds before the deadline at which it ends by itself: with what was seen last, and not as late. */
const END_MS = 1_000;

/** Objects that a report names. */
const NAMED_MAX = 10;

/** Fields that a report names of an object. */
const FIELDS_MAX = 5;

/** What a comparison says of an object that it could look at. */
const SEEN: ReadonlySet<string> = new Set(["unchanged", "drifted", "missing"]);

/** What a check has seen. */
interface Seen {
  /** How each object is; absent when that could not be found out. */
  readonly result?: BundleResult;
  /** The report, for people. */
  readonly message: string;
  /** The same text as long as nothing has changed, also no value that is not shown. */
  readonly fingerprint: string;
}

/**
 * Checks objects again and again until the event's deadline, and reports what
 * differs whenever that has changed; with `heal` it sets that right. A check that fails, as when the API server
 * is away, is a report, too, and not the end.
 *
 * @param plan The objects; its options say how often.
 * @param cluster Which cluster.
 * @param context The event's.
 * @param mask Hides what must not be shown.
 * @returns What was seen last.
 * @throws {TransporterError} `cancelled`; what the last check failed with when no check was possible at all.
 */
export async function keepChecking(
  plan: Plan,
  cluster: Cluster,
  context: ExecutorContext,
  mask: Mask,
): Promise<BundleResult> {
  const { clock } = cluster;
  const { signal, deadline } = context;
  const { everyMs = 0 } = plan.options;
  const end = deadline - END_MS;
  let last: BundleResult | undefined;
  let failure: unknown;
  let told = "";
  using healer = plan.options.heal
    ? new Healer(plan, cluster, context)
    : undefined;
  for (;;) {
    const dueAt = clock.now() + everyMs;
    const seen = await check(plan, {
      compare: () => compareBundle(plan, cluster, context, mask),
      healer,
    }).catch((error) => {
      signal.throwIfAborted();
      failure = error;
      const message = `Cannot check: ${TransporterError.from(error).message}`;
      return { message, fingerprint: message } as Seen;
    });
    last = seen.result ?? last;
    if (seen.fingerprint !== told) await context.report(seen.message);
    told = seen.fingerprint;
    const now = clock.now();
    await clock.sleep(Math.max(0, Math.min(dueAt, end) - now), { signal });
    if (dueAt < end) continue;
    if (last === undefined) throw failure;
    return last;
  }
}

async function check(
  plan: Plan,
  { compare, healer }: {
    readonly compare: () => Promise<BundleResult>;
    readonly healer: Healer | undefined;
  },
): Promise<Seen> {
  const result = await compare().catch(partly);
  const facts: unknown[] = [];
  const off: string[] = [];
  for (const [index, object] of plan.objects.entries()) {
    const seen = result.resource_status[index];
    if (seen === undefined) continue;
    const healing = await healer?.heal(object, seen);
    const what = healing ??
      (seen.status === "failed"
        ? `could not be checked: ${seen.message}`
        : `is ${seen.status}`);
    facts.push([seen.status, seen.changes, what]);
    if (seen.status === "unchanged") continue;
    off.push(`${describeObject(object)} ${what}${fieldsOf(seen)}`);
  }
  return {
    result,
    message: messageOf(off, plan.objects.length),
    fingerprint: JSON.stringify([facts, result.warnings]),
  };
}

/** What was seen of the others when some could not be compared; throws the error when none could. */
function partly(error: unknown): BundleResult {
  const result = error instanceof TransporterError
    ? error.details?.["result"] as BundleResult | undefined
    : undefined;
  const some = result?.resource_status.some(({ status }) => SEEN.has(status));
  if (result === undefined || some !== true) throw error;
  return result;
}

/** The paths that differ, as a remark in brackets. */
function fieldsOf({ status, changes = [] }: ObjectResult): string {
  if (status !== "drifted" || changes.length === 0) return "";
  const more = changes.length - FIELDS_MAX;
  const paths = changes.slice(0, FIELDS_MAX).map(({ path }) => path);
  return ` (${[...paths, ...(more > 0 ? [`${more} more`] : [])].join(", ")})`;
}

function messageOf(off: readonly string[], all: number): string {
  const count = `${all} object${all === 1 ? "" : "s"}`;
  if (off.length === 0) return `In order: ${count}`;
  const named = off.slice(0, NAMED_MAX).join("; ");
  const more = off.length - NAMED_MAX;
  return `Not as they should be, ${off.length} of ${count}: ${named}${
    more > 0 ? `; and ${more} more` : ""
  }`;
}
