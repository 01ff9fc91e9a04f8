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
  /** No figure of anybody was found that could be compared. */
  none: "none known",
  accepts:
    `OCM 519/s submitted (${MEASURED}, 8 in flight); the Go prototype 1,670/s, kept in memory only (measured on two cores, 1,000 events at once)`,
  applied: `OCM 58.7/s, its client limits lifted (${MEASURED}, 8 in flight)`,
  appliedAll: "the Go prototype: 0 of 1,000 (measured on two cores)",
  share: `OCM 0.067, its client limits lifted (${MEASURED}, 8 in flight)`,
  oneByOneP50: `OCM 18 ms (${MEASURED})`,
  oneByOneP99: `Maestro over gRPC 43 ms (${MEASURED})`,
  wireP99:
    "Karmada 989 ms from event to resource (published, 100 clusters, pull mode)",
  offline:
    "Maestro over MQTT and OCM 0.8 s until 20 works are applied (measured on two cores)",
  stored:
    "OCM from 0.8 s to 20 s until 20 works are applied after its agent starts, beside 25 and 1,052 stored (measured on two cores, one agent)",
  overload:
    "StackStorm single digits a second once 5,000 to 20,000 wait (published, 17 pods of 60 threads, actions of 5 s)",
  overloadMemory:
    "KubeFleet gives its hub agent 16 to 24 GB (published, under load, 1,000 clusters)",
  list: "OCM 83 ms for 1,000 works (measured on two cores)",
  listAll: "Maestro 28 s for 6,000 (published)",
  ready:
    "Fleet about 49 s from creation to all ready (published, 50 bundles on each of 50 clusters, 2,550 Deployments)",
  agentLoaded:
    "Flux 2.9.0 223 MiB, its kustomize-controller with 1,000 Kustomizations (published, 2 cores)",
  agentMemory:
    "KubeFleet 32.8 MB (published); the Go prototype 35, OCM 81, Maestro over gRPC 87 MB (measured)",
  controlPlaneMemory:
    "the Go prototype 34 MB, which keeps nothing; Maestro over gRPC 80 MB (measured)",
  held:
    "Choria 50,000 nodes on one virtual machine for $40 a month (published)",
  storm:
    "Teleport advises a longest wait of 8 to 16 minutes for 10,000 agents (published)",
  restart:
    "KubeFleet's hub agent 11 min 15 s, p90, to take up 1,000 placements again (published, 1,000 clusters)",
  replicas:
    "Teleport 10,000 agents on two proxies of 4 cores and two more servers of 8 (published)",
  takeover:
    "how soon: none known; lost of 300 accepted, its server killed under load: OCM 0, Maestro over MQTT 4 (measured on two cores, one agent)",
} as const;
