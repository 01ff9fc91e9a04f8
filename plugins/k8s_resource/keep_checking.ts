import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import type { Cluster } from "./cluster.ts";
import { compareBundle } from "./diff_bundle.ts";
import { describeObject } from "./manifest.ts";
import type { Mask } from "./mask.ts";
import type { Plan } from "./plan.ts";
import type { BundleResult } from "./result.ts";

/** Milliseconds before the deadline at which it ends by itself: with what was seen last, and not as late. */
const END_MS = 1_000;

/** Objects that a report names. */
const NAMED_MAX = 10;

/** Fields that a report names of an object. */
const FIELDS_MAX = 5;

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
 * differs whenever that has changed. A check that fails, as when the API server
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
  for (;;) {
    const dueAt = clock.now() + everyMs;
    const seen = await check(plan, cluster, context, mask).catch((error) => {
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
  cluster: Cluster,
  context: ExecutorContext,
  mask: Mask,
): Promise<Seen> {
  const result = await compareBundle(plan, cluster, context, mask);
  const facts = result.resource_status.map(({ status, changes }) => [
    status,
    changes,
  ]);
  return {
    result,
    message: messageOf(plan, result),
    fingerprint: JSON.stringify([facts, result.warnings]),
  };
}

function messageOf(plan: Plan, { resource_status: all }: BundleResult): string {
  const off = all.flatMap((result, index) => {
    const object = plan.objects[index];
    if (object === undefined || result.status === "unchanged") return [];
    const paths = (result.changes ?? []).map(({ path }) => path);
    const more = paths.length - FIELDS_MAX;
    const fields = [
      ...paths.slice(0, FIELDS_MAX),
      ...(more > 0 ? [`${more} more`] : []),
    ].join(", ");
    return [
      `${describeObject(object)} is ${result.status}${
        fields === "" || result.status !== "drifted" ? "" : ` (${fields})`
      }`,
    ];
  });
  const count = `${all.length} object${all.length === 1 ? "" : "s"}`;
  if (off.length === 0) return `In order: ${count}`;
  const named = off.slice(0, NAMED_MAX).join("; ");
  const more = off.length - NAMED_MAX;
  return `Not as they should be, ${off.length} of ${count}: ${named}${
    more > 0 ? `; and ${more} more` : ""
  }`;
}
