import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  type CloudEvent,
  type OpenSink,
  systemClock,
  TransporterError,
} from "@transporter/sdk";
import { CloudEvent as SdkEvent } from "cloudevents";
import type { ControlPlaneOptions } from "./control_plane.ts";
import { openMemoryStore } from "./store/memory.ts";
import type { Store } from "./store/store.ts";
import { event, openPlace, type Place } from "./testing/place.ts";
import { until } from "./testing/until.ts";

const ADDRESS = "test://ann:s3cret@receiver/hook?key=s3cret";
const SINK = "test://receiver/hook";

/** A receiver that takes what a test lets it take. */
class Receiver {
  readonly taken: CloudEvent[] = [];
  answer: (event: CloudEvent) => Promise<void> = () => Promise.resolve();

  open: OpenSink = () =>
    Promise.resolve({
      deliver: async (event, { signal }) => {
        const refused = Promise.withResolvers<void>();
        signal.addEventListener("abort", () => refused.reject(signal.reason));
        await Promise.race([this.answer(event), refused.promise]);
        this.taken.push(event);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });

  get subjects(): string[] {
    return this.taken.map(({ subject = "" }) => subject);
  }
}

/** Time passes, but nobody waits long for anything. */
const clock = {
  ...systemClock,
  sleep: (ms: number, options?: { readonly signal?: AbortSignal }) =>
    systemClock.sleep(Math.min(ms, 10_000) / 100, options),
};

function open(
  receiver: Receiver,
  options: Partial<ControlPlaneOptions> = {},
): Promise<Place> {
  return openPlace({
    sinks: { test: receiver.open },
    ...options,
    config: { results: [ADDRESS], ...options.config },
  });
}

/** Events that end at once, as nobody is there to have begun them. */
async function end(place: Place, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const body = event(id, { target_agent: "nobody" });
    await place.ask("/events", { method: "POST", body });
    await place.ask(`/v2/events/${id}/cancel`, { method: "POST" });
  }
}

Deno.test("a receiver is told each end once, in order, as a CloudEvent with what is known", async () => {
  const receiver = new Receiver();
  await using place = await open(receiver);
  await place.know("edge-1");
  const agent = await place.connect();
  await place.ask("/events", {
    method: "POST",
    body: event("e1", { labels: { team: "a" }, created_by: "ann" }),
  });
  await agent.nextOf("event");
  const result = {
    success: true,
    resource_status: [],
    completed_at: "2026-11-23T05:04:27Z",
    duration: 5,
  };
  await agent.status("e1", "in_progress", "applying", { attempt: 1, sid: 1 });
  await agent.status("e1", "completed", "completed", {
    attempt: 1,
    sid: 2,
    result,
  });
  await until(() => receiver.taken.length === 1);
  await end(place, "e2", "e3");
  await until(() => receiver.taken.length === 3);
  deepStrictEqual(receiver.subjects, ["e1", "e2", "e3"]);
  deepStrictEqual(receiver.taken.map(({ type }) => type), [
    "io.transporter.status.completed",
    "io.transporter.status.cancelled",
    "io.transporter.status.cancelled",
  ]);
  const [first] = receiver.taken;
  ok(first !== undefined);
  const { extensions, data, ...rest } = first;
  new SdkEvent({ ...rest, ...extensions, data }).validate();
  strictEqual(
    first.id,
    `e1.${(await place.store.getEvent("default", "e1"))?.revision}`,
  );
  strictEqual(extensions["targetagent"], "edge-1");
  const told = data as Record<string, unknown>;
  deepStrictEqual(
    [told["state"], told["labels"], told["created_by"], told["target_agent"]],
    ["completed", { team: "a" }, "ann", "edge-1"],
  );
  deepStrictEqual(told["result"], result);
  const sequences = receiver.taken.map(({ extensions }) =>
    extensions["sequence"]
  );
  deepStrictEqual(sequences, sequences.toSorted());
});

Deno.test("a receiver that fails is told again, in order, and holds up nothing else", async () => {
  const receiver = new Receiver();
  let fails = true;
  receiver.answer = ({ subject }) =>
    fails && subject === "e2"
      ? Promise.reject(
        new TransporterError("unavailable", "It answers with 500"),
      )
      : Promise.resolve();
  await using place = await open(receiver, { clock });
  await end(place, "e1", "e2", "e3");
  await until(async () =>
    /results_failed_total\{[^}]*\} [3-9]/.test(
      (await place.ask("/metrics")).text,
    )
  );
  deepStrictEqual(receiver.subjects, ["e1"]);
  const ready = await place.ask("/readyz");
  strictEqual(ready.status, 200);
  const [{ sink, fault, lag_ms: lagMs }] = ready.json.results;
  deepStrictEqual([sink, fault], [SINK, "It answers with 500"]);
  ok(lagMs > 0);
  match((await place.ask("/metrics")).text, /results_up_bool\{[^}]*\} 0/);
  ok(!(await place.ask("/metrics")).text.includes("s3cret"));
  ok(!JSON.stringify(place.lines).includes("s3cret"));
  fails = false;
  await until(() => receiver.taken.length === 3);
  deepStrictEqual(receiver.subjects, ["e1", "e2", "e3"]);
  await until(async () =>
    (await place.ask("/readyz")).json.results[0].fault === undefined
  );
  match((await place.ask("/metrics")).text, /results_lag_seconds\{[^}]*\} 0/);
});

Deno.test("a receiver that hangs is given up, and told again", async () => {
  const receiver = new Receiver();
  let calls = 0;
  receiver.answer = () =>
    ++calls === 1 ? new Promise(() => {}) : Promise.resolve();
  await using place = await open(receiver, { clock });
  await end(place, "e1");
  await until(() => receiver.taken.length === 1);
  strictEqual(calls, 2);
});

/** Keeps a store open over the end of its control plane. */
function lasting(store: Store): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      if (name === Symbol.asyncDispose) return () => Promise.resolve();
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("after a restart a receiver is told what ended in between, and nothing from before its first time", async () => {
  const memory = openMemoryStore();
  const store = lasting(memory);
  {
    await using place = await openPlace({ store });
    await end(place, "before");
  }
  const receiver = new Receiver();
  {
    await using place = await open(receiver, { store });
    await end(place, "e1");
    await until(() => receiver.taken.length === 1);
  }
  {
    await using place = await openPlace({ store }); // nobody is told
    await end(place, "e2", "e3");
  }
  {
    await using place = await open(receiver, { store });
    await end(place, "e4");
    await until(() => receiver.taken.length >= 4);
  }
  deepStrictEqual(receiver.subjects, ["e1", "e2", "e3", "e4"]);
  await memory[Symbol.asyncDispose]();
});

Deno.test("a large result is told without what became of each object", async () => {
  const receiver = new Receiver();
  await using place = await open(receiver);
  const agent = await place.connect();
  await place.ask("/events", { method: "POST", body: event("e1") });
  await agent.nextOf("event");
  const one = {
    kind: "ConfigMap",
    namespace: "a",
    api_version: "v1",
    status: "created",
  };
  await agent.status("e1", "completed", "completed", {
    attempt: 1,
    result: {
      success: true,
      resource_status: Array.from({ length: 900 }, (_, i) => ({
        ...one,
        name: `c${i}`,
        message: "x".repeat(300),
      })),
      completed_at: "2026-11-23T05:04:27Z",
      duration: 5,
    },
  });
  await until(() => receiver.taken.length === 1);
  const data = receiver.taken[0]?.data as Record<string, unknown>;
  ok(JSON.stringify(data).length < 256 * 1024);
  strictEqual(data["result_cut"], true);
  strictEqual((data["result"] as { success: boolean }).success, true);
});

Deno.test("ControlPlane.open() refuses receivers that it cannot tell", async () => {
  const cases: Readonly<Record<string, RegExp>> = {
    "kafka://ann:s3cret@a": /"kafka:\/\/a": it must be "test:\/\/…"/,
    "nonsense": /"nonsense"/,
    "http://example.com/hook?k=s3cret":
      /"http:\/\/example.com\/hook": .* use https/,
    "kafka://ann:/s3cret@a:x": /^Cannot use --results "kafka:\/\/a:x": it/,
    "test://u:%s3cret@a": /^Cannot use the URL "test:\/\/a": write each/,
    [`${ADDRESS},${ADDRESS}&more`]: /twice/,
  };
  const receiver = new Receiver();
  for (const [list, message] of Object.entries(cases)) {
    const opening = open(receiver, {
      sinks: {
        test: receiver.open,
        ...(list.startsWith("http") ? { http: receiver.open } : {}),
      },
      config: { results: list.split(",") },
    });
    await rejects(opening, (error) => {
      ok(error instanceof TransporterError);
      match(error.message, message);
      ok(!error.message.includes("s3cret"));
      return error.code === "usage";
    });
  }
});
