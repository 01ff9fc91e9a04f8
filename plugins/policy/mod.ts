/**
 * The `policy` event type: judges manifests, or the objects of a cluster, by
 * ValidatingAdmissionPolicies and by rules. Loading this module loads nothing
 * that reads either; the first event does.
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
import { EVENT_TYPE, payloadSchema } from "./payload.ts";

/** The pure part, for intake and the command line. */
export const policyKind: EventKind = {
  type: EVENT_TYPE,
  async check(payload) {
    const given = await parse(payloadSchema, payload);
    const { checkPayload } = await import("./audit.ts");
    await checkPayload(given);
  },
  repeatable: () => true, // it only looks
};

/** The plugin. */
export const policy: Plugin<Config> = {
  type: EVENT_TYPE,
  config: configSchema,
  kind: policyKind,
  async open(config, { signal: _ }) {
    const { openExecutor } = await import("./executor.ts");
    return openExecutor(config, { clock: systemClock, rng: systemRng });
  },
};
