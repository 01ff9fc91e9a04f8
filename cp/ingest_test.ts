import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { systemClock, TransporterError } from "@transporter/sdk";
import { MemoryBroker } from "@transporter/sdk/memory-ingest";
import type { ControlPlaneOptions } from "./control_plane.ts";
import { openMemoryStore } from "./store/memory.ts";
import type { Store } from "./store/store.ts";
import {
  event,
  isProblem,
  KIND,
  openPlace,
  type Place,
} from "./testing/place.ts";
import { until } from "./testing/until.ts";

const T = "default";

/** A control plane that takes events from a broker in memory. */
async function open(
  options: Partial<ControlPlaneOptions> = {},
  broker = new MemoryBroker(),
): Promise<{ place: Place; broker: MemoryBroker } & AsyncDisposable> {
  const place = await openPlace({
    brokers: {
      // deno-lint-ignore require-await -- a refusal must reject, not throw
      memory: async () => broker.consumer(),
    },
    ...options,
    config: { ingest: ["memory://broker"], ...options.config },
  });
  return {
    place,
    broker,
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

/** Goes between the control plane and a store. */
function meddled(meddle: (name: string) => Promise<void>): Store {
  return new Proxy(openMemoryStore(), {
    get(target, name: keyof Store) {
      const value = target[name];
      if (typeof value !== "function") return value;
      // deno-lint-ignore ban-types -- any method of it
      const method = (value as Function).bind(target);
      return async (...args: unknown[]) => {
        await meddle(String(name));
        return await method(...args);
      };
    },
  });
}

let published = 0;

async function publish(
  broker: MemoryBroker,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<void> {
  const data = typeof body === "string"
    ? new TextEncoder().encode(body)
    : body instanceof Uint8Array
    ? body
    : new TextEncoder().encode(JSON.stringify(body));
  await broker.publisher().publish({ id: `m${++published}`, headers, data });
}

async function idsOf(place: Place): Promise<string[]> {
  const records = await place.store.listEvents(T, { limit: 1000 });
  return records.map(({ spec }) => spec.id).toReversed();
}

async function figure(place: Place, line: RegExp): Promise<string | undefined> {
  return line.exec((await place.ask("/metrics")).text)?.[1];
}

Deno.test("events of a broker are accepted in its order, as JSON of ours and as CloudEvents", async () => {
  await using there = await open();
  const { place, broker } = there;
  const ids = Array.from({ length: 100 }, (_, i) => `e${i}`);
  for (const id of ids) await publish(broker, event(id));
  const cloud = {
    specversion: "1.0",
    id: "structured",
    source: "/ci",
    type: "io.transporter.event.k8s_resource",
    subject: "edge-1",
    data: { manifests: ["a: 1"] },
  };
  await publish(broker, cloud, {
    "content-type": "application/cloudevents+json; charset=utf-8",
  });
  await publish(broker, cloud.data, {
    "ce-specversion": "1.0",
    "ce-id": "binary",
    "ce-source": "/ci",
    "ce-type": "k8s_resource",
    "ce-subject": "edge-1",
    "ce-concurrencykey": "db",
  });
  const all = [...ids, "structured", "binary"];
  await until(async () => (await idsOf(place)).length === all.length);
  deepStrictEqual(await idsOf(place), all);
  const record = await place.store.getEvent(T, "binary");
  strictEqual(record?.spec.concurrency_key, "db");
  strictEqual(record?.spec.created_by, "/ci");
  deepStrictEqual(broker.quarantine, []);
});

Deno.test("a message takes fields that version 1 has not, unknown ones, and may be without an id", async () => {
  await using there = await open();
  const { place, broker } = there;
  const { id: _, ...rest } = event("");
  await publish(broker, {
    ...rest,
    not_before: "2026-11-23T05:04:27Z",
    retries: 0,
    priority: 12,
  });
  await until(async () => (await idsOf(place)).length === 1);
  const [id = ""] = await idsOf(place);
  match(id, /^memory\.1$/);
  const { spec } = await place.store.getEvent(T, id) ?? {};
  strictEqual(spec?.not_before, "2026-11-23T05:04:27Z");
  strictEqual(spec?.priority, 9);
  strictEqual(spec?.created_by, "memory://broker");
});

Deno.test("a message is not acknowledged before the store has it, and comes again when it has not", async () => {
  let fails = true;
  const store = meddled((name) =>
    name === "createEvent" && fails
      ? Promise.reject(new TransporterError("store_unavailable", "No"))
      : Promise.resolve()
  );
  await using there = await open({ store });
  const { place, broker } = there;
  await publish(broker, event("e1"));
  const later = /ingest_messages_total\{.*outcome="later"\} (\d+)/;
  await until(async () => await figure(place, later) !== undefined);
  deepStrictEqual(await idsOf(place), []);
  fails = false;
  await until(async () => (await idsOf(place)).length === 1);
  await publish(broker, event("e1")); // the same again is the same event
  const taken = /ingest_messages_total\{.*outcome="taken"\} (\d+)/;
  await until(async () => await figure(place, taken) === "2");
  deepStrictEqual(await idsOf(place), ["e1"]);
  deepStrictEqual(broker.quarantine, []);
});

Deno.test("an agent whose queue is full holds nobody else up, and its events are not lost", async () => {
  await using there = await open({ config: { agentQueueMax: 1 } });
  const { place, broker } = there;
  for (const id of ["a1", "a2", "a3"]) {
    await publish(broker, event(id, { target_agent: "full" }));
  }
  await publish(broker, event("b1", { target_agent: "free" }));
  await until(async () => (await idsOf(place)).includes("b1"));
  deepStrictEqual(await idsOf(place), ["a1", "b1"]);
  await until(async () => {
    const ids = await idsOf(place);
    for (const id of ids) {
      await place.ask(`/v2/events/${id}/cancel`, { method: "POST" });
    }
    return ids.length === 4;
  });
  deepStrictEqual(broker.quarantine, []);
});

/** What can never be accepted. */
const POISON: Readonly<
  Record<string, readonly [body: unknown, code: string, sentence: RegExp]>
> = {
  "no JSON": ["hello", "invalid_json", /^Cannot read the JSON/],
  "bytes": [Uint8Array.of(0xff, 0), "invalid_json", /UTF-8/],
  "a list": ["[]", "wrong_type", /an array/],
  "no payload": [
    event("e1", { payload: undefined }),
    "missing_field",
    /payload/,
  ],
  "an id with a blank": [event("e 1"), "invalid_id", /A-Z/],
  "another event's id": [
    event("taken", { priority: 3 }),
    "id_conflict",
    /taken/,
  ],
  "no time left": [event("late", { ttl: 1 }), "expired", /ttl was over/],
  "what its kind refuses": [
    event("e1", { payload: { bad: true } }),
    "invalid_manifest",
    /is bad/,
  ],
};

Deno.test("what can never be accepted goes to the quarantine with its code, once", async () => {
  await using there = await open({
    kinds: [{
      ...KIND,
      check: (payload) =>
        (payload as Record<string, unknown>)["bad"] === true
          ? Promise.reject(
            new TransporterError("invalid_manifest", "It is bad"),
          )
          : Promise.resolve(),
    }],
  });
  const { place, broker } = there;
  await publish(broker, event("taken"));
  for (const [body] of Object.values(POISON)) await publish(broker, body);
  await publish(broker, event("last"));
  await until(async () => (await idsOf(place)).length === 2);
  await until(() => broker.quarantine.length === Object.keys(POISON).length);
  for (const [name, [, code, sentence]] of Object.entries(POISON)) {
    const found = broker.quarantine.some(({ error }) =>
      error.code === code && sentence.test(error.message)
    );
    ok(found, name);
  }
  deepStrictEqual(await idsOf(place), ["taken", "last"]);
  strictEqual(
    await figure(place, /events_refused_total\{code="expired"\} (\d+)/),
    "1",
  );
  strictEqual(broker.waiting, 0);
});

Deno.test("a message that breaks something of ours is given up at last", async () => {
  let calls = 0;
  const store = meddled((name) =>
    name === "createEvent" && ++calls > 0
      ? Promise.reject(new RangeError("A bug"))
      : Promise.resolve()
  );
  // At this broker everything comes again at once.
  const broker = new MemoryBroker({
    ...systemClock,
    sleep: () => Promise.resolve(),
  });
  await using _there = await open({ store }, broker);
  await publish(broker, event("e1"));
  await until(() => broker.quarantine.length === 1);
  strictEqual(broker.quarantine[0]?.error.code, "internal");
  strictEqual(calls, 5);
});

Deno.test("GET /readyz is false while a broker is away, says why, and is true again by itself", async () => {
  await using there = await open();
  const { place, broker } = there;
  await until(async () => (await place.ask("/readyz")).status === 200);
  deepStrictEqual((await place.ask("/readyz")).json.ingest, [
    { source: "memory://broker", pending: 0 },
  ]);
  strictEqual(await figure(place, /ingest_up_bool\{[^}]*\} (\d)/), "1");
  broker.break(new TransporterError("unavailable", "The broker is away"));
  await until(async () => (await place.ask("/readyz")).status === 503);
  const problem = isProblem(await place.ask("/readyz"), 503, "unavailable");
  strictEqual(problem.message, "The broker is away");
  strictEqual(await figure(place, /ingest_up_bool\{[^}]*\} (\d)/), "0");
  strictEqual((await place.ask("/livez")).status, 200);
  broker.break(undefined);
  await until(async () => (await place.ask("/readyz")).status === 200);
  await publish(broker, event("e1"));
  await until(async () => (await idsOf(place)).length === 1);
});

Deno.test("ControlPlane.open() refuses brokers that it cannot reach, and shows no secrets of them", async () => {
  const cases: Readonly<Record<string, RegExp>> = {
    "kafka://host": /"kafka:\/\/host".*"memory:\/\/…"/,
    "nonsense": /"nonsense"/,
    "kafka://user:s3cret@host": /"kafka:\/\/host"/,
    "memory://u:s3%cret@host": /^Cannot use the URL "memory:\/\/host": write/,
    "kafka://u:s3/cret@h:x": /^Cannot use --ingest "kafka:\/\/h:x": it/,
    "memphis://host": /NATS JetStream takes its place/,
  };
  for (const [address, message] of Object.entries(cases)) {
    await rejects(open({ config: { ingest: [address] } }), {
      code: "usage",
      message,
    });
  }
});
