/**
 * What others do, to stand beside our figures: published by them, or measured
 * by us with their own programs on a machine like ours. The conditions are
 * never quite the same, so they are said; `docs/benchmarks.md` has the sources.
 *
 * @module
 */

/** How "measured" ones were measured. */
const MEASURED = "measured on two cores, one agent, 1,000 ConfigMaps";

/** The best figure that is known of a peer, with its conditions. */
export const PEERS = {
  accepts: `OCM 519/s submitted (${MEASURED}, 8 in flight)`,
  applied: `OCM 58.7/s, its client limits lifted (${MEASURED}, 8 in flight)`,
  appliedAll: "the Go prototype: 0 of 1,000 (measured on two cores)",
  share: `OCM 0.067, its client limits lifted (${MEASURED}, 8 in flight)`,
  oneByOneP50: `OCM 18 ms (${MEASURED})`,
  oneByOneP99: `Maestro over gRPC 43 ms (${MEASURED})`,
  wireP99:
    "Karmada 989 ms from event to resource (published, 100 clusters, pull mode)",
  offline:
    "Maestro over MQTT and OCM 0.8 s until 20 works are applied (measured on two cores)",
  list: "OCM 83 ms for 1,000 works (measured on two cores)",
  listAll: "Maestro 28 s for 6,000 (published)",
  agentMemory:
    "KubeFleet 32.8 MB (published); OCM 81, Maestro 87 MB (measured)",
  controlPlaneMemory: "Maestro over gRPC 80 MB (measured)",
  held:
    "Choria 50,000 nodes on one virtual machine for $40 a month (published)",
  storm:
    "Teleport advises a longest wait of 8 to 16 minutes for 10,000 agents (published)",
  replicas:
    "Teleport 10,000 agents on two proxies of 4 cores and two more servers of 8 (published)",
} as const;
