import * as v from "valibot";
import { count, optional, text } from "./event_schemas.ts";

/** How safe events are. */
export const durability = v.pipe(
  v.picklist(["fsync", "everysec", "memory"]),
  v.description("How safe an accepted event is"),
);

/** The answer of /readyz. */
export const ready = v.strictObject({
  status: v.literal("ready"),
  replica: optional(
    text("What this control plane is called, where several share a store"),
  ),
  replicas: optional(v.pipe(
    v.array(v.string()),
    v.description("Those that share its store and live, this one among them"),
  )),
  durability,
  store_gap: optional(v.pipe(
    v.strictObject({
      found_at: text("When that was found, the last time"),
      was: count("The number of the newest change that it had"),
      is: count("The number of the newest change that was still there"),
    }),
    v.description(
      "The store was found older than it was: events that were accepted in between may be gone",
    ),
  )),
  disk_free_bytes: optional(count("Room on the disk of the store")),
  results: optional(v.pipe(
    v.array(v.strictObject({
      sink: text("The address of somebody who is told how events end"),
      lag_ms: count("How long the oldest end waits that was not told"),
      fault: optional(text("Why it cannot be told")),
    })),
    v.description("Who is told how events end"),
  )),
  ingest: optional(v.pipe(
    v.array(v.strictObject({
      source: text("The address of a broker that events are taken from"),
      pending: count("Messages that wait there"),
    })),
    v.description("Brokers, all of which are there"),
  )),
  agent_broker: optional(v.pipe(
    v.strictObject({
      urls: v.array(text("A server, without what is secret in its URL")),
      connected: v.boolean(),
      error: optional(text("Why agents are not served there now")),
      wires: count("Agents that have a wire over it"),
    }),
    v.description(
      "Where agents are served over NATS. One that is away is no reason to send nobody here: events are accepted",
    ),
  )),
});

/** The answer of /health. */
export const health = v.pipe(
  v.strictObject({
    status: v.picklist(["healthy", "unhealthy"]),
    agent_count: count("Agents that are connected now"),
    version: text("The version of the control plane"),
  }),
  v.description("Health as upstream tells it"),
);

/** The answer of /metrics as JSON. */
export const figures = v.pipe(
  v.strictObject({
    agents: v.strictObject({
      total: count("Agents that were ever seen"),
      connected: count("Those that are connected now"),
    }),
    events: v.pipe(
      v.record(v.string(), v.number()),
      v.description(
        "Events by state: open ones of the store, ended ones since this process started; cancelled ones count as failed",
      ),
    ),
  }),
  v.description("Figures as upstream tells them"),
);
