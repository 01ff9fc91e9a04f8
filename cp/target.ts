import {
  CAPABILITIES,
  type EventSpec,
  nearest,
  TransporterError,
} from "@transporter/sdk";
import type { AgentRecord } from "./store/store.ts";

/** The error of an event for an agent that nobody knows; says which one was probably meant. */
export function unknownTarget(
  spec: EventSpec,
  known: readonly string[],
): TransporterError {
  const similar = nearest(spec.target_agent, known);
  const hint = similar === undefined ? "" : ` did you mean "${similar}"?`;
  return new TransporterError(
    "unknown_agent",
    `Cannot accept event "${spec.id}" as no agent "${spec.target_agent}" was ever seen:${hint}` +
      ` "transporter get agents" lists them`,
    { details: { field: "target_agent" } },
  );
}

/**
 * Refuses what the agent has said it cannot run.
 *
 * @throws {TransporterError} `unsupported`.
 */
export function checkServed(spec: EventSpec, agent: AgentRecord): void {
  const { capabilities } = agent.registration;
  const types = agent.executors.map(({ type }) => type);
  const capability = CAPABILITIES.get(spec.type);
  const served = agent.linkVersion === 2
    ? types.length === 0 || types.includes(spec.type)
    // A v1 agent names capabilities, and not all of them are known words.
    : capability === undefined || capabilities.includes(capability) ||
      capabilities.includes(spec.type);
  if (served) return;
  const names = agent.linkVersion === 2 ? types : capabilities;
  throw new TransporterError(
    "unsupported",
    `Cannot accept event "${spec.id}" as agent "${agent.id}" does not run "${spec.type}": it runs ${
      names.map((name) => `"${name}"`).join(", ")
    }`,
    { details: { field: "type" } },
  );
}
