import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import { readManifests } from "./bundle.ts";
import type { Cluster } from "./cluster.ts";
import { objectKey } from "./manifest.ts";
import type { Payload } from "./payload.ts";
import type { Phases } from "./phases.ts";
import type { Plan } from "./plan.ts";
import { writes } from "./progress.ts";

/** The objects of an event that changes some, as they are noted; what names no namespace may also be in none. */
function objectsOf(
  payload: Payload,
  cluster: Pick<Cluster, "namespace">,
): readonly string[] {
  const { operation = "apply", dry_run: dryRun = false } = payload;
  if (!writes({ operation, dryRun })) return [];
  const namespace = payload.namespace ?? cluster.namespace;
  return readManifests(payload.manifests).flatMap((object) => [
    objectKey({ ...object, namespace: object.namespace || namespace }),
    ...(object.namespace === "" ? [objectKey(object)] : []),
  ]);
}

/**
 * Has it remembered what later events do to the objects of one that fails, or
 * is cut off, until it is tried again and does all that it was to do.
 */
export function untilDone(
  phases: Pick<Phases, "validate" | "apply" | "verify">,
  { changes, namespace }: Pick<Cluster, "changes" | "namespace">,
): Pick<Phases, "validate" | "apply" | "verify" | "recover"> {
  async function leave(id: string, payload: Payload): Promise<void> {
    try {
      changes.leave(id, objectsOf(payload, { namespace }));
    } catch (error) {
      // Without manifests that can be read it will change nothing.
      if (!(error instanceof TransporterError)) throw error;
    }
    await changes.save();
  }

  async function attempt<Result>(
    { options, objects }: Plan,
    { idempotencyKey: id }: ExecutorContext,
    act: () => Promise<Result>,
  ): Promise<Result> {
    if (!writes(options)) return await act();
    try {
      return await act();
    } catch (error) {
      changes.leave(id, objects.map(objectKey));
      throw error;
    } finally {
      await changes.save(); // also what it has done to objects of others
    }
  }

  return {
    async validate(payload, context) {
      changes.begin(context.idempotencyKey);
      try {
        return await phases.validate(payload, context);
      } catch (error) {
        await leave(context.idempotencyKey, payload);
        throw error;
      }
    },
    apply: (plan, context) =>
      attempt(plan, context, () => phases.apply(plan, context)),
    async verify(plan, result, context) {
      const done = await attempt(
        plan,
        context,
        () => phases.verify(plan, result, context),
      );
      changes.finish(context.idempotencyKey);
      await changes.save();
      return done;
    },
    async recover(payload, { idempotencyKey: id }) {
      changes.begin(id); // before those that waited behind it
      await leave(id, payload);
      return { kind: "lost" };
    },
  };
}
