import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  type Consumer,
  type ErrorBody,
  type IngestDelivery,
  type IngestHandler,
  isEventId,
  type NewMessage,
  type Publisher,
} from "../mod.ts";

/** What {@linkcode testIngest} needs from a broker; each test has one of its own. */
export interface IngestHarness {
  /** Opens an end for producers. */
  publisher(): Promise<Publisher>;
  /** Opens an end for a control plane. */
  consumer(): Promise<Consumer>;
  /** What is in the quarantine. */
  quarantined(): Promise<
    readonly {
      readonly key: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly data: Uint8Array;
      readonly error: ErrorBody;
    }[]
  >;
  /** Breaks whatever is open, without a word. */
  crash(): Promise<void>;
  /** Ends the fault, with all that the broker had acknowledged. */
  recover(): Promise<void>;
  /** Ends all of it. */
  dispose(): Promise<void>;
}

function messageOf(id: string, more: Partial<NewMessage> = {}): NewMessage {
  return {
    id,
    headers: {},
    data: new TextEncoder().encode(`{"id":"${id}"}`),
    ...more,
  };
}

function textOf({ data }: Pick<IngestDelivery, "data">): string {
  return new TextDecoder().decode(data);
}

function bodies(ids: readonly string[]): string[] {
  return ids.map((id) => `{"id":"${id}"}`);
}

const TAKEN = Promise.resolve({ outcome: "taken" } as const);
const REFUSED = Promise.resolve(
  {
    outcome: "refused",
    error: { code: "invalid", message: "Cannot\naccept it: é" },
  } as const,
);

/** Consumes until enough was delivered. */
async function consume(
  consumer: Consumer,
  count: number,
  handle: IngestHandler = () => TAKEN,
): Promise<IngestDelivery[]> {
  const seen: IngestDelivery[] = [];
  const over = new AbortController();
  await consumer.consume(async (delivery) => {
    const verdict = await handle(delivery);
    seen.push(delivery);
    if (seen.length >= count) over.abort();
    return verdict;
  }, { signal: over.signal });
  return seen;
}

/** Consumes until there is nothing more. */
async function drain(consumer: Consumer): Promise<IngestDelivery[]> {
  const seen: IngestDelivery[] = [];
  const over = new AbortController();
  await consumer.consume((delivery) => {
    seen.push(delivery);
    return TAKEN;
  }, { signal: over.signal, idle: () => over.abort() });
  return seen;
}

type Case = (harness: IngestHarness) => Promise<void>;

const IDS = Array.from({ length: 20 }, (_, i) => `e${i}`);

const CASES: Readonly<Record<string, Case>> = {
  async "delivers what is published, in its order, with its headers"(harness) {
    const publisher = await harness.publisher();
    const headers = {
      "content-type": "application/json",
      "ce-id": "caf%C3%A9",
    };
    for (const id of IDS) await publisher.publish(messageOf(id, { headers }));
    const seen = await consume(await harness.consumer(), IDS.length);
    deepStrictEqual(seen.map(textOf), bodies(IDS));
    for (const { headers: given, at, deliveries, key } of seen) {
      strictEqual(given["content-type"], "application/json");
      strictEqual(given["ce-id"], "caf%C3%A9");
      ok(Math.abs(at - Date.now()) < 3600_000, String(at));
      strictEqual(deliveries, 1);
      ok(isEventId(key), key);
    }
    strictEqual(new Set(seen.map(({ key }) => key)).size, IDS.length);
  },

  async "delivers nothing again that was taken"(harness) {
    const publisher = await harness.publisher();
    for (const id of IDS) await publisher.publish(messageOf(id));
    strictEqual((await drain(await harness.consumer())).length, IDS.length);
    await publisher.publish(messageOf("last"));
    const seen = await drain(await harness.consumer());
    deepStrictEqual(seen.map(textOf), bodies(["last"]));
  },

  async "delivers again what is to come later, under the same key"(harness) {
    const publisher = await harness.publisher();
    await publisher.publish(messageOf("e1"));
    const seen = await consume(
      await harness.consumer(),
      3,
      ({ deliveries }) =>
        deliveries === 3
          ? TAKEN
          : Promise.resolve({ outcome: "later", delayMs: 1 }),
    );
    deepStrictEqual(seen.map(({ deliveries }) => deliveries), [1, 2, 3]);
    strictEqual(new Set(seen.map(({ key }) => key)).size, 1);
    deepStrictEqual(await drain(await harness.consumer()), []);
  },

  async "delivers again what a handler threw at"(harness) {
    const publisher = await harness.publisher();
    await publisher.publish(messageOf("e1"));
    let calls = 0;
    const seen = await consume(await harness.consumer(), 1, () => {
      if (++calls === 1) throw new RangeError("Not now");
      return TAKEN;
    });
    strictEqual(seen[0]?.deliveries, 2);
  },

  async "goes on with others while one comes later"(harness) {
    const publisher = await harness.publisher();
    for (const id of IDS) await publisher.publish(messageOf(id));
    const seen = await consume(
      await harness.consumer(),
      IDS.length,
      (delivery) =>
        textOf(delivery) === bodies(["e0"])[0] && delivery.deliveries === 1
          ? Promise.resolve({ outcome: "later", delayMs: 20 })
          : TAKEN,
    );
    deepStrictEqual(seen.map(textOf), bodies(IDS));
    const rest = await consume(await harness.consumer(), 1);
    deepStrictEqual(rest.map(textOf), bodies(["e0"]));
  },

  async "puts what is refused into the quarantine, as it came, once"(harness) {
    const publisher = await harness.publisher();
    const data = Uint8Array.of(0, 0xff, 0x7b);
    const headers = { "ce-id": "e1" };
    await publisher.publish(messageOf("e1", { data, headers }));
    await publisher.publish(messageOf("e2"));
    const seen = await consume(
      await harness.consumer(),
      2,
      (delivery) => delivery.data[0] === 0 ? REFUSED : TAKEN,
    );
    const found = await harness.quarantined();
    deepStrictEqual(
      found.map((each) => [
        each.key,
        [...each.data],
        each.headers["ce-id"],
        each.error.code,
        each.error.message.replace("\n", " "),
      ]),
      [[seen[0]?.key, [0, 0xff, 0x7b], "e1", "invalid", "Cannot accept it: é"]],
    );
    deepStrictEqual(await drain(await harness.consumer()), []);
  },

  async "hands out a bounded number at a time"(harness) {
    const publisher = await harness.publisher();
    const ids = Array.from({ length: 600 }, (_, i) => `e${i}`);
    await Promise.all(ids.map((id) => publisher.publish(messageOf(id))));
    const gate = Promise.withResolvers<void>();
    let held = 0;
    const consumer = await harness.consumer();
    const seen = consume(consumer, ids.length, async () => {
      held++;
      await gate.promise;
      return { outcome: "taken" };
    });
    let before = -1;
    while (held === 0 || held !== before) { // stopping early only sees fewer
      before = held;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    ok(held <= 256, `${held} at a time`);
    gate.resolve();
    strictEqual((await seen).length, ids.length);
  },

  async "ends when it is told to, with what is under way, and keeps the rest"(
    harness,
  ) {
    const publisher = await harness.publisher();
    for (const id of IDS) await publisher.publish(messageOf(id));
    const over = new AbortController();
    const started: string[] = [];
    await (await harness.consumer()).consume(async (delivery) => {
      started.push(textOf(delivery));
      over.abort();
      await new Promise((resolve) => setTimeout(resolve));
      return { outcome: "taken" };
    }, { signal: over.signal });
    ok(started.length >= 1);
    const rest = await consume(
      await harness.consumer(),
      IDS.length - started.length,
    );
    deepStrictEqual(
      [...started, ...rest.map(textOf)].toSorted(),
      bodies(IDS).toSorted(),
    );
  },

  async "says that it is broken, and delivers again afterwards what had no verdict"(
    harness,
  ) {
    const publisher = await harness.publisher();
    await publisher.publish(messageOf("e1"));
    const consumer = await harness.consumer();
    const { signal } = new AbortController();
    const first: string[] = [];
    const crashed = Promise.withResolvers<void>();
    const consuming = rejects(
      consumer.consume(async ({ key }) => {
        first.push(key);
        await harness.crash();
        crashed.resolve();
        return { outcome: "taken" };
      }, { signal }),
      { code: "unavailable" },
    );
    await crashed.promise;
    await consuming;
    await rejects(publisher.publish(messageOf("e2")), { code: "unavailable" });
    await harness.recover();
    const again = await consume(await harness.consumer(), 1);
    deepStrictEqual(again.map(({ key }) => key), first);
    const fresh = await harness.publisher();
    await fresh.publish(messageOf("e2"));
    deepStrictEqual(
      (await drain(await harness.consumer())).map(textOf),
      bodies(["e2"]),
    );
  },

  async "gives each message to one of two consumers"(harness) {
    const publisher = await harness.publisher();
    const ids = Array.from({ length: 100 }, (_, i) => `e${i}`);
    const over = new AbortController();
    const seen: string[] = [];
    const running = [await harness.consumer(), await harness.consumer()].map(
      (consumer) =>
        consumer.consume((delivery) => {
          seen.push(textOf(delivery));
          if (seen.length === ids.length) over.abort();
          return TAKEN;
        }, { signal: over.signal }),
    );
    for (const id of ids) await publisher.publish(messageOf(id));
    await Promise.all(running);
    deepStrictEqual(seen.toSorted(), bodies(ids).toSorted());
  },

  async "takes an id that is published again for the same message"(harness) {
    const publisher = await harness.publisher();
    await publisher.publish(messageOf("e1"));
    await publisher.publish(messageOf("e1"));
    strictEqual((await drain(await harness.consumer())).length, 1);
  },
};

/**
 * Registers the tests that every broker passes.
 *
 * @param name The broker, for people.
 * @param open Makes a broker without messages.
 */
export function testIngest(
  name: string,
  open: () => Promise<IngestHarness>,
): void {
  for (const [title, run] of Object.entries(CASES)) {
    Deno.test(`${name} ${title}`, async () => {
      const harness = await open();
      try {
        await run(harness);
      } finally {
        await harness.dispose();
      }
    });
  }
}
