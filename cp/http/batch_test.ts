import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "@transporter/sdk";
import { openMemoryStore } from "../store/memory.ts";
import {
  event,
  isProblem,
  KIND,
  openPlace,
  type Place,
} from "../testing/place.ts";

const NDJSON = { "content-type": "application/x-ndjson" };

async function submit(
  place: Place,
  body: string,
  headers: Record<string, string> = {},
) {
  const answer = await place.ask("/v2/events", {
    method: "POST",
    headers: { ...NDJSON, ...headers },
    body,
  });
  return Object.assign(answer, {
    get lines() {
      return answer.text.trim().split("\n").map((line) => JSON.parse(line));
    },
  });
}

function lines(...events: readonly unknown[]): string {
  return events.map((each) => `${JSON.stringify(each)}\n`).join("");
}

Deno.test("POST /v2/events accepts a batch, one answer a line", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  const answer = await submit(
    place,
    lines(event("e1"), event("e2"), event("e3")),
  );
  strictEqual(answer.status, 202);
  strictEqual(answer.headers.get("content-type"), "application/x-ndjson");
  deepStrictEqual(
    answer.lines.map(({ line, status, event_id }) => [line, status, event_id]),
    [[1, "accepted", "e1"], [2, "accepted", "e2"], [3, "accepted", "e3"]],
  );
});

Deno.test("POST /v2/events answers each bad line of a batch with its number and its code", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  const body = [
    JSON.stringify(event("e1")),
    "not JSON",
    "",
    JSON.stringify(event("e1", { priority: 5 })),
    "  \r",
    JSON.stringify(event("e2", { colour: "red" })),
    JSON.stringify(event("e3", { target_agent: "nobody" })),
    JSON.stringify(event("e1")),
    JSON.stringify(event("e4")),
  ].join("\n");
  const answer = await submit(place, body);
  strictEqual(answer.status, 207);
  deepStrictEqual(
    answer.lines.map((
      { line, status, code = "", duplicate = false },
    ) => [line, status, code, duplicate]),
    [
      [1, "accepted", "", false],
      [2, 400, "invalid_json", false],
      [4, 409, "id_conflict", false],
      [6, 400, "unknown_field", false],
      [7, 404, "unknown_agent", false],
      [8, "accepted", "", true],
      [9, "accepted", "", false],
    ],
  );
});

Deno.test("POST /v2/events takes lines that end in CRLF, and a last line without an end", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  const body = `${JSON.stringify(event("e1"))}\r\n${
    JSON.stringify(event("e2"))
  }`;
  deepStrictEqual(
    (await submit(place, body)).lines.map(({ event_id }) => event_id),
    ["e1", "e2"],
  );
});

Deno.test("POST /v2/events stores a batch in the order of its lines, however long their checks take", async () => {
  let checks = 0;
  await using place = await openPlace({
    kinds: [{
      ...KIND,
      // The first ones take the longest.
      check: async () => {
        await systemClock.sleep(Math.max(0, 20 - checks++));
      },
    }],
  });
  await place.know("edge-1");
  const ids = Array.from({ length: 200 }, (_, i) => `e${i}`);
  const answer = await submit(place, lines(...ids.map((id) => event(id))));
  deepStrictEqual(answer.lines.map(({ event_id }) => event_id), ids);
  const records = await place.store.listEvents("default", { limit: 500 });
  deepStrictEqual(records.map(({ spec }) => spec.id).toReversed(), ids);
});

Deno.test("POST /v2/events goes on with a batch after lines that are refused before their turn", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  const events = Array.from(
    { length: 300 },
    (_, i) => i % 2 === 0 ? event(`e${i}`) : event(`e${i}`, { ttl: 0 }),
  );
  const answer = await submit(place, lines(...events));
  deepStrictEqual(
    answer.lines.map(({ status }) => status),
    events.map((_, i) => i % 2 === 0 ? "accepted" : 422),
  );
});

Deno.test("POST /v2/events answers a batch when the store fails in the middle", async () => {
  await using memory = openMemoryStore();
  let created = 0;
  const store = new Proxy(memory, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name === "createEvent" && ++created > 5) {
        return () => Promise.reject(new Error("Disk is gone"));
      }
      return member.bind(target);
    },
  });
  await using place = await openPlace({ store });
  await place.know("edge-1");
  const answer = await submit(
    place,
    lines(...Array.from({ length: 10 }, (_, i) => event(`e${i}`))),
  );
  strictEqual(answer.status, 207);
  strictEqual(
    answer.lines.filter(({ status }) => status === "accepted").length,
    5,
  );
  for (const line of answer.lines.slice(5)) {
    deepStrictEqual([line.code, line.message], ["internal", "Internal error"]);
    ok(place.lines.some(({ instance }) => instance === line.instance));
  }
});

Deno.test("POST /v2/events refuses a batch that it cannot take as a whole, and stores none of it", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  const one = lines(event("e1"));
  isProblem(await submit(place, "\n \n\r\n"), 400, "invalid_json");
  isProblem(await submit(place, one.repeat(10_001)), 413, "too_large");
  isProblem(await submit(place, "\n".repeat(100_001)), 413, "too_large");
  isProblem(
    await submit(place, `${one}${" ".repeat(32 * 1024 * 1024)}`),
    413,
    "too_large",
  );
  isProblem(
    await submit(place, one, { "idempotency-key": "k" }),
    422,
    "invalid",
  );
  deepStrictEqual((await place.ask("/v2/events")).json.items, []);
});

Deno.test("POST /v2/events refuses a line of more than 8 MiB, and takes the others", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  const long = event("e1", { payload: { a: "x".repeat(8 * 1024 * 1024) } });
  const answer = await submit(place, lines(long, event("e2")));
  deepStrictEqual(answer.lines.map(({ status }) => status), [413, "accepted"]);
});
