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
import type { Cluster, Gate } from "../k8s_resource/port.ts";
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

/** What the operator of an agent has decided about all writes to its cluster. */
export interface AgentPolicies {
  /** ValidatingAdmissionPolicies, their bindings, and what they look things up in. */
  readonly documents: readonly string[];
  /** The cluster, as the operator's configuration names it. */
  readonly cluster: unknown;
  /** Takes what the operator should know. */
  readonly warn: (warning: string) => void;
}

/**
 * Opens the gate that lets writes of `k8s_resource` pass or not.
 *
 * @returns The gate; when it is disposed, what it holds is released.
 * @throws {TransporterError} `invalid_yaml`, `invalid_manifest`, `invalid` or `unsupported`, naming the policy.
 */
export async function openGate(
  { documents, cluster: wanted, warn }: AgentPolicies,
): Promise<Gate & AsyncDisposable> {
  const [{ PolicyGate }, { openCluster }] = await Promise.all([
    import("./gate.ts"),
    import("../k8s_resource/port.ts"),
  ]);
  const { cluster = {} } = await parse(configSchema, { cluster: wanted });
  let opened: Promise<Cluster> | undefined;
  const gate = await PolicyGate.open({
    ...{ documents, warn },
    open: () =>
      opened ??= openCluster(cluster, { clock: systemClock, rng: systemRng }),
  });
  return {
    check: (write, signal) => gate.check(write, signal),
    async [Symbol.asyncDispose]() {
      (await opened)?.[Symbol.dispose]();
    },
  };
}

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
