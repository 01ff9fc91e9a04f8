/**
 * Frames as agents of both versions send them.
 *
 * @module
 */

/** A frame, before it is written. */
export type RawFrame = Readonly<Record<string, unknown>>;

/** What agents send first. */
export function registration(id: string, version: 1 | 2): RawFrame {
  return {
    id,
    name: id,
    cluster_name: "c",
    version: "0.1.0",
    capabilities: ["k8s_crud", "other"],
    ...(version === 1 ? {} : {
      link: {
        versions: [2, 1],
        features: ["ack", "parts", "credit", "cancel", "logs"],
        instance: `instance of ${id}`,
        window: 8,
        max_frame: 524_288,
        clock: "2026-11-23T05:04:27Z",
        executors: [
          { type: "k8s_resource", version: "1.0.0" },
          { type: "other", version: "1.0.0" },
        ],
      },
    }),
  };
}
