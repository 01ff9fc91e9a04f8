import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { WitnessAgent, witnessEvent } from "./chaos/witness_agent.ts";
import {
  CpProcess,
  dialUrl,
  listEvents,
  submit,
  until,
  untilConnected,
  type WireName,
} from "./system.ts";
import { type WebFault, WebProxy, type WebWeather } from "./web_proxy.ts";

const GROUPS = 12;

/** A control plane and an agent with a proxy between them. */
class Bench implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;
  readonly cp: CpProcess;
  readonly proxy: WebProxy;
  readonly agent: WitnessAgent;

  static async open(wire: WireName, weather: WebWeather): Promise<Bench> {
    await using stack = new AsyncDisposableStack();
    const cp = stack.use(await CpProcess.start());
    const proxy = stack.use(await WebProxy.open(cp.url, weather));
    const url = dialUrl(proxy.url, wire);
    const agent = stack.use(await WitnessAgent.start("edge", url));
    await untilConnected(cp.url, "edge");
    return new Bench(stack.move(), cp, proxy, agent);
  }

  constructor(
    resources: AsyncDisposableStack,
    cp: CpProcess,
    proxy: WebProxy,
    agent: WitnessAgent,
  ) {
    this.#resources = resources;
    this.cp = cp;
    this.proxy = proxy;
    this.agent = agent;
  }

  #works = 0;

  /** Submits events in groups, and waits for the ends of each. */
  async work(): Promise<void> {
    const work = this.#works++;
    for (let group = 0; group < GROUPS; group++) {
      const ids = Array.from(
        { length: 5 },
        (_, i) => `e${work}-${group}-${i}`,
      );
      await Promise.all(ids.map((id) => submit(this.cp.url, witnessEvent(id))));
      await until(async () => {
        const events = await listEvents(this.cp.url);
        return events.every(({ state }) => state === "completed") || undefined;
      });
    }
    const starts = await this.agent.starts();
    strictEqual(starts.length, GROUPS * 5 * this.#works);
    strictEqual(new Set(starts).size, starts.length);
  }

  /** How often the agent registered. */
  get connections(): number {
    const { output } = this.agent.process.program;
    return output.match(/"message":"Connected"/g)?.length ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

const FAULTS: readonly WebFault[] = [
  "lost",
  "answer lost",
  "twice",
  { status: 502 },
  { status: 429 },
];

for (const wire of ["poll", "sse"] as const) {
  for (const fault of FAULTS) {
    Deno.test(`an agent works over ${wire}, and never loses its session, while requests meet: ${JSON.stringify(fault)}`, async () => {
      let met = 0;
      await using bench = await Bench.open(wire, {
        fault(request) {
          if (request < 8 || request % 4 > 0) return undefined;
          met++;
          return fault;
        },
      });
      await bench.work();
      ok(met > 3, `${met} of ${bench.proxy.requests} requests`);
      strictEqual(bench.connections, 1, bench.agent.process.program.output);
    });
  }

  Deno.test(`an agent works over ${wire} through a proxy that takes only short bodies`, async () => {
    await using bench = await Bench.open(wire, { bodyMax: 2_000 });
    await bench.work();
    ok(bench.proxy.tooLong > 0);
    strictEqual(bench.connections, 1, bench.agent.process.program.output);
  });
}

Deno.test("an agent works over sse through a proxy that ends streams again and again", async () => {
  await using bench = await Bench.open("sse", { streamMs: 3_000 });
  for (let i = 0; i < 3; i++) {
    await until(() => Promise.resolve(bench.proxy.ended > i || undefined));
    await bench.work();
  }
  strictEqual(bench.connections, 1, bench.agent.process.program.output);
});

Deno.test("an agent gets by on long polls when a proxy holds streams back", async () => {
  await using bench = await Bench.open("sse", { keepsAnswers: true });
  await bench.work();
  strictEqual(bench.connections, 1, bench.agent.process.program.output);
});

for (const upgrade of [{ status: 400 }, { status: 502 }, "cut"] as const) {
  Deno.test(`an agent told ws falls back to long polls, and says so, when upgrades meet: ${JSON.stringify(upgrade)}`, async () => {
    await using bench = await Bench.open("ws", { upgrade });
    await bench.work();
    strictEqual(bench.proxy.upgrades, 3);
    const { output } = bench.agent.process.program;
    match(output, /"warn","message":"No WebSocket goes through: long polls/);
    strictEqual(bench.connections, 1, output);
  });
}

Deno.test("an agent told ws passes a proxy that upgrades", async () => {
  await using bench = await Bench.open("ws", {});
  await bench.work();
  deepStrictEqual([bench.proxy.upgrades, bench.proxy.requests], [1, 0]);
});

Deno.test("an agent with several addresses tries each in turn, whatever their carriers", async () => {
  await using cp = await CpProcess.start();
  const urls = ["ws://127.0.0.1:1/ws", "http://127.0.0.1:65534", cp.url];
  await using agent = await WitnessAgent.start("edge", ...urls);
  await untilConnected(cp.url, "edge");
  const { output } = agent.process.program;
  deepStrictEqual(
    [...output.matchAll(/"No connection.*?"url":"([^"]+)"/g)].map(([, url]) =>
      url
    ),
    ["ws://127.0.0.1:1/ws", "http://127.0.0.1:65534"],
  );
});

const KILLS = 5;

for (const wire of ["poll", "sse"] as const) {
  Deno.test(`an agent that is killed again and again starts no attempt twice and loses no end (${wire})`, async () => {
    await using bench = await Bench.open(wire, {});
    const { cp, agent } = bench;
    const ids = Array.from({ length: 60 }, (_, i) => `e${i}`);
    await Promise.all(
      ids.map((id) => submit(cp.url, witnessEvent(id, { ms: 50 }))),
    );
    for (let kill = 1; kill <= KILLS; kill++) {
      await until(async () =>
        (await agent.starts()).length >= kill * 8 || undefined
      );
      await agent.process.crash();
      agent.process.restart();
    }
    await until(async () => {
      const events = await listEvents(cp.url);
      const open = events.some(({ finished_at }) => finished_at === undefined);
      return open ? undefined : true; // one that was cut off twice is quarantined
    });
    const starts = await agent.starts();
    strictEqual(new Set(starts).size, starts.length, `${starts}`);
    deepStrictEqual(
      new Set(starts.map((start) => start.split(" ")[0])),
      new Set(ids),
    );
  });
}
