import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import {
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import {
  connect,
  headers,
  type Msg,
  nanos,
  type NatsConnection,
} from "@nats-io/transport-node";
import type { Wire } from "@transporter/sdk";
import { dialNats } from "@transporter/sdk/nats";
import { until } from "../until.ts";
import { type Ends, FRAME_BYTES_MAX, newTenant, openEnds } from "./pair.ts";
import { NatsServer } from "./server.ts";

// For all tests of this file; it ends with the process.
const server = await NatsServer.start();

/** A pair of wires, and somebody at the server who sees and may publish everything. */
class Bench implements AsyncDisposable {
  readonly near: Wire;
  readonly far: Wire;
  readonly cutFar: () => void;
  readonly spy: NatsConnection;
  readonly tenant: string;
  readonly #fromFar: AsyncIterator<string>;
  readonly #fromNear: AsyncIterator<string>;

  static async open(): Promise<Bench> {
    const tenant = newTenant();
    const spy = await connect({ servers: server.host, reconnect: false });
    // Whoever made the stream before decides how it is: here, hardly anything is a repetition.
    const manager = await jetstreamManager(spy);
    await manager.streams.add({
      name: `TP_${tenant}_DOWN`,
      subjects: [`tp.${tenant}.agent.*.down`],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.Memory,
      duplicate_window: nanos(100),
    });
    return new Bench(await openEnds(server, tenant), { spy, tenant });
  }

  constructor(
    { near, far, cutFar }: Ends,
    more: { readonly spy: NatsConnection; readonly tenant: string },
  ) {
    this.near = near;
    this.far = far;
    this.cutFar = cutFar;
    this.spy = more.spy;
    this.tenant = more.tenant;
    this.#fromFar = near.frames[Symbol.asyncIterator]();
    this.#fromNear = far.frames[Symbol.asyncIterator]();
  }

  /** The end that sends in a direction, and the next frame at the other one. */
  way(direction: "up" | "down"): {
    readonly from: Wire;
    next(): Promise<string | undefined>;
  } {
    const frames = direction === "up" ? this.#fromNear : this.#fromFar;
    return {
      from: direction === "up" ? this.near : this.far,
      next: async () => (await frames.next()).value,
    };
  }

  /** Sees the next message of a direction while something is done. */
  async see(direction: string, work: () => Promise<void>): Promise<Msg> {
    const subject = `tp.${this.tenant}.agent.edge-7.${direction}`;
    const subscription = this.spy.subscribe(subject, { max: 1 });
    await this.spy.flush();
    await work();
    for await (const message of subscription) return message;
    throw new Error("Nothing was published");
  }

  /** Publishes to a direction. */
  forge(direction: string, id: string | undefined, text: string): void {
    const made = headers();
    if (id !== undefined) made.set("Nats-Msg-Id", id);
    const subject = `tp.${this.tenant}.agent.edge-7.${direction}`;
    this.spy.publish(subject, text, id === undefined ? {} : { headers: made });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.near.close(), this.far.close()]);
    await this.spy.close();
  }
}

for (const direction of ["up", "down"] as const) {
  Deno.test(`a wire over NATS delivers nothing of another session, nothing twice, and nothing without a number (${direction})`, async () => {
    await using bench = await Bench.open();
    const { from, next } = bench.way(direction);
    const message = await bench.see(direction, () => from.send("1"));
    strictEqual(await next(), "1");
    const id = message.headers?.get("Nats-Msg-Id") ?? "";
    // Past the time in which the server itself drops repetitions.
    await new Promise((resolve) => setTimeout(resolve, 200));
    bench.forge(direction, id, "1");
    bench.forge(direction, `${crypto.randomUUID()}:1`, "of an older session");
    bench.forge(direction, `${crypto.randomUUID()}:2`, "of an older session");
    for (const odd of [`${id}0x`, `${id} `, `${id.slice(0, -1)}0`, "", "x"]) {
      bench.forge(direction, odd, "odd");
    }
    bench.forge(direction, undefined, "bare");
    await bench.spy.flush();
    await from.send("2");
    strictEqual(await next(), "2");
  });

  Deno.test(`a wire over NATS ends at both ends when a message is missing (${direction})`, async () => {
    await using bench = await Bench.open();
    const { from, next } = bench.way(direction);
    const message = await bench.see(direction, () => from.send("1"));
    const id = message.headers?.get("Nats-Msg-Id") ?? "";
    strictEqual(await next(), "1");
    bench.forge(direction, id.replace(/1$/, "3"), "the one after the next");
    await rejects(next(), { code: "unavailable", message: /lost on its way/ });
    const back = bench.way(direction === "up" ? "down" : "up");
    await rejects(back.next(), { code: "unavailable" });
  });
}

Deno.test("an agent over NATS hears that a newer session of it began", async () => {
  await using bench = await Bench.open();
  const url = new URL(server.url);
  const newer = await dialNats(url, {
    tenant: bench.tenant,
    agentId: "edge-7",
    signal: new AbortController().signal,
    frameBytesMax: FRAME_BYTES_MAX,
  });
  await rejects(bench.way("down").next(), { code: "superseded" });
  await newer.close();
});

Deno.test("an agent over NATS hears with its next frame that its control plane is gone", async () => {
  await using bench = await Bench.open();
  bench.cutFar(); // as after a SIGKILL, nobody says that it is over
  await rejects(bench.way("up").next(), { code: "unavailable" });
  const ended = rejects(bench.way("down").next(), {
    code: "unavailable",
    message: /the control plane has ended the session/,
  });
  await bench.near.send("anybody?");
  await ended;
});

Deno.test("an agent over NATS that says nothing hears within seconds that its control plane is gone", async () => {
  await using bench = await Bench.open();
  bench.cutFar();
  await rejects(bench.way("down").next(), {
    code: "unavailable",
    message: /the control plane has ended the session/,
  });
});

Deno.test("what waits for an agent at NATS is gone when its next session begins", async () => {
  await using bench = await Bench.open();
  const manager = await jetstreamManager(bench.spy);
  const name = `TP_${bench.tenant}_DOWN`;
  await bench.near.close();
  for (let i = 1; i <= 10; i++) {
    bench.forge("down", `${crypto.randomUUID()}:${i}`, "left");
  }
  const held = async () => (await manager.streams.info(name)).state.messages;
  await until(async () => await held() >= 10); // the server has them before its stream does
  const next = await dialNats(new URL(server.url), {
    tenant: bench.tenant,
    agentId: "edge-7",
    signal: new AbortController().signal,
    frameBytesMax: FRAME_BYTES_MAX,
  });
  const consumers = await manager.consumers.list(name).next();
  strictEqual(await held(), 0);
  deepStrictEqual(consumers.map((each) => each.config.durable_name), [
    "edge-7",
  ]);
  await next.close();
});
