/**
 * The library face of Transporter: the SDK, and the parts to embed.
 *
 * @module
 */
export * from "@transporter/sdk";
export { Agent, type AgentOptions } from "@transporter/agent";
export { ControlPlane, type ControlPlaneOptions } from "@transporter/cp";
export { kinds, standard } from "@transporter/plugins";
