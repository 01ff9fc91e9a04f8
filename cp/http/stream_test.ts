import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TestClock } from "@transporter/sdk/testing";
import * as v from "valibot";
import { openMemoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import { event, isProblem, openPlace, type Place } from "../testing/place.ts";
import { SCHEMAS } from "./schemas.ts";
import { until } from "../testing/until.ts";

interface Message {
  readonly event?: string;
  readonly id?: string;
  readonly comment?: string;
  readonly data?: Record<string, unknown>;
}

/** One connection to the stream. */
class Reader implements AsyncDisposable {
  readonly #chunks: ReadableStreamDefaultReader<string>;
  readonly headers: Headers;
  #text = "";
  /** The id of the last message that had one. */
  lastId: string | undefined;

  private constructor(response: Response) {
    ok(response.body);
    this.headers = response.headers;
    this.#chunks = response.body.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  static async open(
    place: Place,
    query: string,
    lastId?: string,
  ): Promise<Reader> {
    const response = await fetch(`${place.url}/v2/stream${query}`, {
      headers: lastId === undefined ? {} : { "last-event-id": lastId },
    });
    strictEqual(response.status, 200);
    return new Reader(response);
  }

  /** The next message; `undefined` at the end. */
  async next(): Promise<Message | undefined> {
    while (!this.#text.includes("\n\n")) {
      const { done, value } = await this.#chunks.read();
      if (done) return undefined;
      this.#text += value;
    }
    const end = this.#text.indexOf("\n\n");
    const message: Record<string, unknown> = {};
    for (const line of this.#text.slice(0, end).split("\n")) {
      const [name = "", ...rest] = line.split(": ");
      const value = rest.join(": ");
      message[name === "" ? "comment" : name] = name === "data"
        ? JSON.parse(value)
        : value;
    }
    this.#text = this.#text.slice(end + 2);
    if (typeof message["id"] === "string") this.lastId = message["id"];
    return message;
  }

  /** What `count` messages say, in short. */
  async take(count: number): Promise<readonly string[]> {
    const taken: string[] = [];
    while (taken.length < count) {
      const message = await this.next();
      ok(message, `only ${taken.length} of ${count} messages came`);
      taken.push(short(message));
    }
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.cancel();
  }
}

function short({ event: name, data }: Message): string {
  return name === "status"
    ? `${data?.["event_id"]} ${data?.["revision"]}`
    : name ?? "";
}

async function submit(place: Place, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const target = id.split(".")[1] ?? "edge-1";
    const { status, text } = await place.ask("/events", {
      method: "POST",
      body: event(id, { target_agent: target }),
    });
    strictEqual(status, 202, text);
  }
}

/** Moves an event on, as its agent does, and wakes who follows. */
async function report(place: Place, id: string, message = "m"): Promise<void> {
  await place.store.changeEvent("default", id, () => ({
    status: {
      event_id: id,
      agent_id: "edge-1",
      state: "in_progress",
      phase: "applying",
      message,
      timestamp: "2026-11-23T05:04:27Z",
    },
  }));
  await submit(place, `wake-${crypto.randomUUID()}.other`);
}

Deno.test("GET /v2/stream starts now, and tells each change once", async () => {
  await using place = await openPlace();
  await submit(place, "before");
  await using reader = await Reader.open(place, "");
  strictEqual(reader.headers.get("content-type"), "text/event-stream");
  deepStrictEqual(await reader.next(), {
    event: "ready",
    id: "1",
    data: { position: 1 },
  });
  await submit(place, "e1");
  const message = await reader.next();
  deepStrictEqual([message?.event, message?.id], ["status", "2"]);
  const entry = v.parse(SCHEMAS.StreamEntry, message?.data);
  deepStrictEqual(
    [
      entry.event_id,
      entry.target_agent,
      entry.event_type,
      entry.state,
      entry.revision,
    ],
    ["e1", "edge-1", "k8s_resource", "queued", 1],
  );
});

Deno.test("GET /v2/stream of one event starts with its whole history", async () => {
  await using place = await openPlace();
  await submit(place, "e1", "e2");
  await report(place, "e1");
  await using reader = await Reader.open(place, "?event=e1");
  deepStrictEqual(await reader.take(3), ["e1 1", "e1 2", "ready"]);
  await report(place, "e1");
  deepStrictEqual(await reader.take(1), ["e1 3"]);
});

Deno.test("GET /v2/stream gives an id only to what need not be told again", async () => {
  await using place = await openPlace();
  await submit(place, "e1");
  await using reader = await Reader.open(place, "?event=e1");
  strictEqual((await reader.next())?.id, undefined);
  strictEqual((await reader.next())?.id, "1");
});

Deno.test("GET /v2/stream filters by agent and state", async () => {
  await using place = await openPlace();
  await using agent = await Reader.open(place, "?agent=edge-2");
  await using state = await Reader.open(
    place,
    "?state=in_progress&state=failed",
  );
  await agent.take(1);
  await state.take(1);
  await submit(place, "e1", "e2.edge-2");
  await report(place, "e1");
  deepStrictEqual(await agent.take(1), ["e2.edge-2 1"]);
  deepStrictEqual(await state.take(1), ["e1 2"]);
});

Deno.test("GET /v2/stream goes on without a gap wherever the connection broke", async () => {
  await using place = await openPlace();
  const ids = Array.from({ length: 12 }, (_, i) => `e${i}`);
  await submit(place, ids[0] ?? "");
  for (let cut = 0; cut <= ids.length; cut++) {
    // What happens before, during and after the break, in all proportions.
    const round = ids.map((id) => `${id}-${cut}`);
    const got: string[] = [];
    let lastId: string | undefined;
    {
      await using reader = await Reader.open(place, "");
      await reader.take(1);
      await submit(place, ...round.slice(0, cut));
      got.push(...await reader.take(Math.min(cut, Math.ceil(cut / 2))));
      lastId = reader.lastId;
    }
    await submit(place, ...round.slice(cut, cut + 3));
    await using again = await Reader.open(place, "", lastId);
    await submit(place, ...round.slice(cut + 3));
    strictEqual((await again.next())?.event, "ready");
    got.push(...await again.take(round.length - got.length));
    deepStrictEqual(got, round.map((id) => `${id} 1`), `cut after ${cut}`);
  }
});

Deno.test("GET /v2/stream misses nothing that happens while it looks", async () => {
  await using memory = openMemoryStore();
  let between: (() => Promise<void>) | undefined;
  const store: Store = new Proxy(memory, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name === "listChanges" || name === "changeRange") {
        return async (...values: unknown[]) => {
          const result = await Reflect.apply(member, target, values);
          const run = between;
          between = undefined;
          await run?.();
          return result;
        };
      }
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  await using place = await openPlace({ store });
  await using reader = await Reader.open(place, "");
  await reader.take(1);
  const ids = Array.from({ length: 20 }, (_, i) => `e${i}`);
  for (const id of ids) {
    between = () => submit(place, `${id}-between`);
    await submit(place, id);
    const got = await reader.take(2);
    deepStrictEqual(got.toSorted(), [`${id} 1`, `${id}-between 1`]);
  }
});

Deno.test("GET /v2/stream goes on in the middle of many changes", async () => {
  await using place = await openPlace();
  const ids = Array.from({ length: 1200 }, (_, i) => `e${i}`);
  // As many at a time as a control plane takes on a machine that does other things, too.
  for (let at = 0; at < ids.length; at += 100) {
    await Promise.all(ids.slice(at, at + 100).map((id) => submit(place, id)));
  }
  await using reader = await Reader.open(place, "?last_event_id=100");
  strictEqual((await reader.next())?.event, "ready");
  const numbers: number[] = [];
  while (numbers.length < 1100) numbers.push(Number((await reader.next())?.id));
  deepStrictEqual(numbers, Array.from({ length: 1100 }, (_, i) => i + 101));
});

Deno.test("GET /v2/stream takes the position as parameter too", async () => {
  await using place = await openPlace();
  await submit(place, "e1", "e2");
  await using reader = await Reader.open(place, "?last_event_id=0");
  deepStrictEqual(await reader.take(3), ["ready", "e1 1", "e2 1"]);
});

Deno.test("GET /v2/stream says reset, and then where events are, for a change of another store", async () => {
  await using place = await openPlace();
  await submit(place, "e1", "e2");
  await report(place, "e1");
  await using reader = await Reader.open(place, "?agent=edge-1", "99");
  deepStrictEqual(await reader.next(), {
    event: "reset",
    data: { last_event_id: 99, oldest: 1, newest: 4 },
  });
  deepStrictEqual(await reader.take(3), ["e2 1", "e1 2", "ready"]);
  await submit(place, "e3");
  deepStrictEqual(await reader.take(1), ["e3 1"]);
});

Deno.test("GET /v2/stream says reset when what followed is no longer kept", async () => {
  await using memory = openMemoryStore();
  // A store that has forgotten the first two changes.
  const store: Store = new Proxy(memory, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name === "changeRange") {
        return async () => ({ ...await target.changeRange(), oldest: 3 });
      }
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  await using place = await openPlace({ store });
  await submit(place, "e1", "e2", "e3");
  {
    await using gap = await Reader.open(place, "?event=e1", "1");
    deepStrictEqual(await gap.take(3), ["reset", "e1 1", "ready"]);
  }
  await using reader = await Reader.open(place, "", "2");
  deepStrictEqual(await reader.take(2), ["ready", "e3 1"]);
});

Deno.test("GET /v2/stream refuses what it cannot follow", async () => {
  await using place = await openPlace();
  isProblem(await place.ask("/v2/stream?event=nope"), 404, "unknown_event");
  isProblem(await place.ask("/v2/stream?last_event_id=x"), 422, "invalid");
  isProblem(await place.ask("/v2/stream?state=banana"), 422, "invalid");
  isProblem(
    await place.ask("/v2/stream", { headers: { "last-event-id": "-1" } }),
    422,
    "invalid",
  );
});

Deno.test("GET /v2/stream says now and then that it is still there, and how far it is", async () => {
  const clock = new TestClock();
  await using place = await openPlace({ clock });
  await using reader = await Reader.open(place, "?agent=nobody");
  await reader.take(1);
  await submit(place, "e1");
  const next = reader.next();
  let came: Message | undefined;
  next.then((message) => came = message);
  while (came === undefined) {
    await clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve));
  }
  deepStrictEqual(came, { comment: "still here", id: "1" });
});

async function streamsOpen(place: Place): Promise<string | undefined> {
  const { text } = await place.ask("/metrics");
  return /^transporter_streams_open (\d+)$/m.exec(text)?.[1];
}

Deno.test("GET /v2/stream is over for the control plane when its reader goes away", async () => {
  await using place = await openPlace();
  const reader = await Reader.open(place, "");
  await reader.take(1);
  strictEqual(await streamsOpen(place), "1");
  await reader[Symbol.asyncDispose]();
  await until(async () => await streamsOpen(place) === "0");
});

Deno.test("GET /v2/stream drops a reader that does not read", async () => {
  const clock = new TestClock();
  await using place = await openPlace({ clock });
  await submit(place, "e1");
  const client = place.raw();
  client.send("GET /v2/stream?event=e1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await client.until((text) => text.includes("ready"));
  client.pause();
  // More than every buffer in between holds.
  for (let i = 0; i < 64; i++) {
    await report(place, "e1", "x".repeat(512 * 1024));
  }
  strictEqual(await streamsOpen(place), "1");
  await until(async () => {
    await clock.advance(1000);
    return await streamsOpen(place) === "0";
  });
  client.destroy();
});

Deno.test("GET /v2/stream ends when the control plane stops", async () => {
  const place = await openPlace();
  await using reader = await Reader.open(place, "");
  await reader.take(1);
  const end = reader.next();
  await place[Symbol.asyncDispose]();
  strictEqual(await end, undefined);
  match(JSON.stringify(place.lines.at(-1)), /has stopped/);
});

Deno.test("GET /v2/stream ends, and can be gone on with, when the store fails", async () => {
  await using memory = openMemoryStore();
  let broken = false;
  const store: Store = new Proxy(memory, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name === "listChanges" && broken) {
        return () => Promise.reject(new Error("Disk is gone"));
      }
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  await using place = await openPlace({ store });
  await submit(place, "e0");
  await using reader = await Reader.open(place, "");
  await reader.take(1);
  broken = true;
  await submit(place, "e1");
  strictEqual(await reader.next(), undefined);
  broken = false;
  await using again = await Reader.open(place, "", reader.lastId);
  deepStrictEqual(await again.take(2), ["ready", "e1 1"]);
});
