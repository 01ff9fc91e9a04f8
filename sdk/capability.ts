/**
 * What version 1 of the protocol calls that which runs an event type. A type
 * that is not here goes by its own name.
 */
export const CAPABILITIES: ReadonlyMap<string, string> = new Map([
  ["k8s_resource", "k8s_crud"],
  ["script", "script_exec"],
]);
