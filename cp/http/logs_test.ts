import { deepStrictEqual, strictEqual } from "node:assert/strict";
import * as v from "valibot";
import { event, isProblem, openPlace } from "../testing/place.ts";
import { SCHEMAS } from "./schemas.ts";

Deno.test("GET /v2/events/{id}/logs shows what an event puts out, and reads on", async () => {
  await using place = await openPlace();
  isProblem(await place.ask("/v2/events/e1/logs"), 404, "unknown_event");
  await place.ask("/events", { method: "POST", body: event("e1") });
  const first = v.parse(
    SCHEMAS.LogPage,
    (await place.ask("/v2/events/e1/logs")).json,
  );
  deepStrictEqual(first.items, []);
  const texts = ["one\n", "two\n", "three\n"];
  let off = 0;
  for (const data of texts) {
    const piece = { attempt: 1, stream: "stdout", off, data };
    await place.store.addLogs("default", "e1", [piece]);
    off += data.length;
  }
  const seen: string[] = [];
  let cursor = first.next_cursor;
  for (;;) {
    const { json } = await place.ask(
      `/v2/events/e1/logs?limit=2&cursor=${cursor}`,
    );
    const { items, next_cursor } = v.parse(SCHEMAS.LogPage, json);
    if (items.length === 0) {
      strictEqual(next_cursor, cursor);
      break;
    }
    seen.push(...items.map(({ data }) => data));
    cursor = next_cursor;
  }
  deepStrictEqual(seen, texts);
});
