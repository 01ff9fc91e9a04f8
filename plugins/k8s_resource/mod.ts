/**
 * The `k8s_resource` event type: applies Kubernetes manifests by server-side
 * apply, and waits until what they describe is real. Loading this module loads
 * neither the YAML reader nor the Kubernetes client; opening the plugin does.
 *
 * @module
 */
import {
  type EventKind,
  parse,
  type Plugin,
  systemClock,
  systemRng,
} from "@transporter/sdk";
import { type Config, configSchema } from "./config.ts";
import {
  checkPaths,
  EVENT_TYPE,
  isRepeatable,
  payloadSchema,
} from "./payload.ts";
import { checkSteps } from "./patch_steps.ts";
import { conditionsFor } from "./ready_when.ts";

export { type Config, configSchema } from "./config.ts";

/** The pure part, for intake and the command line. */
export const k8sResourceKind: EventKind = {
  type: EVENT_TYPE,
  async check(payload) {
    const { manifests, fields, ...given } = await parse(payloadSchema, payload);
    await checkPaths(fields);
    const { checkManifests } = await import("./bundle.ts");
    const { checkUsable } = await import("./usable.ts");
    const inSet = given.apply_set === undefined
      ? undefined
      : await import("./apply_set_label.ts");
    const objects = await checkManifests(manifests, (object) => {
      checkUsable(given.operation ?? "apply", object);
      inSet?.checkMembership(object);
    });
    await conditionsFor(given.ready_when, objects);
    checkSteps(given.patch, objects);
    if (given.ignore_fields === undefined) return;
    const { ignoredFields } = await import("./ignore_fields.ts");
    ignoredFields(given.ignore_fields, objects);
  },
  repeatable: isRepeatable,
};

/** The plugin. */
export const k8sResource: Plugin<Config> = {
  type: EVENT_TYPE,
  config: configSchema,
  kind: k8sResourceKind,
  async open(config, { log }) {
    const { openExecutor } = await import("./executor.ts");
    const surroundings = { clock: systemClock, rng: systemRng, log };
    return await openExecutor(config, surroundings);
  },
};
