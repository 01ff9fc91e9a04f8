/** Results through a real NATS server, which is killed as the control plane is. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readCloudEvent } from "@transporter/sdk";
import { until } from "../until.ts";
import { IngestPlace } from "./ingest_place.ts";

const RESULTS = "TP_default_RESULTS";

function expiring(id: string): string {
  const event = { id, type: "t", target_agent: "nobody", payload: {} };
  return JSON.stringify(event);
}

Deno.test("results are published to NATS in order, though the server and the control plane are killed", async () => {
  await using place = await IngestPlace.open();
  const args = ["--results", place.server.url];
  await place.start({ args });
  const ids = Array.from({ length: 60 }, (_, i) => `e${i}`);
  async function finish(from: number, to: number): Promise<void> {
    for (const id of ids.slice(from, to)) {
      const body = expiring(id);
      const headers = { "content-type": "application/json" };
      const posts = [
        ["/events", { headers, body }],
        [`/v2/events/${id}/cancel`, {}],
      ] as const;
      for (const [path, more] of posts) {
        const response = await fetch(place.url + path, {
          method: "POST",
          ...more,
        });
        await response.body?.cancel();
      }
    }
  }
  await finish(0, 20);
  await until(async () => await place.count(RESULTS) >= 20);
  await place.server.crash();
  await finish(20, 40);
  await place.end("SIGKILL");
  await place.start({ args, ready: false });
  await finish(40, 60);
  await place.server.restart();
  const subjects = await place.with(async (manager) => {
    await until(async () =>
      (await manager.streams.info(RESULTS)).state.messages >= ids.length
    );
    const { state } = await manager.streams.info(RESULTS);
    const found: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage(RESULTS, { seq });
      const text = new TextDecoder().decode(message?.data);
      const event = readCloudEvent(JSON.parse(text));
      strictEqual(event.type, "io.transporter.status.cancelled");
      strictEqual(
        message?.header.get("content-type"),
        "application/cloudevents+json",
      );
      found.push(event.subject ?? "");
    }
    return found;
  });
  deepStrictEqual([...new Set(subjects)], ids);
});
