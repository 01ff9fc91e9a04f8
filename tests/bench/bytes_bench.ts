import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace } from "../kubernetes/cluster.ts";
import {
  AgentProcess,
  CpProcess,
  listEvents,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import type { Figure } from "./figures.ts";
import { configMap } from "./flow_bench.ts";
import { PEERS } from "./peers.ts";

const EVENTS = 200;
const IDLE_SECONDS = 60;

/** Passes a TCP port on, and counts what goes through, both ways together. */
class Counter implements AsyncDisposable {
  /** Bytes so far, without the headers of TCP and IP. */
  bytes = 0;
  readonly #server;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      for (const [from, to] of [[near, far], [far, near]] as const) {
        from.on("data", (chunk) => this.bytes += chunk.length);
        from.on("error", () => to.destroy()); // the other side hears of it so
        from.pipe(to);
      }
    });
  }

  static async open(port: number): Promise<Counter> {
    const counter = new Counter(port);
    counter.#server.listen(0, "127.0.0.1");
    await once(counter.#server, "listening");
    return counter;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new Error("The counter does not listen");
    }
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** What an agent costs on the wire: each event, and an hour of nothing to do. */
export async function bytes(
  kube: LocalKube,
  script: string,
): Promise<Figure[]> {
  await using namespace = await freshNamespace(kube);
  await using cp = await CpProcess.start({ script });
  await using counter = await Counter.open(Number(new URL(cp.url).port));
  await using _agent = await AgentProcess.start("bench", {
    cpUrl: cp.agentUrl.replace(/:\d+\//, `:${counter.port}/`),
    flags: ["--kubeconfig", kube.kubeconfig],
    script,
  });
  await untilConnected(cp.url, "bench");
  const before = counter.bytes;
  for (let i = 0; i < EVENTS; i++) {
    await submit(cp.url, configMap(namespace.name, `bytes-${i}`));
  }
  await until(async () => {
    const events = await listEvents(cp.url);
    return events.every(({ finished_at }) => finished_at) || undefined;
  }, { everyMs: 200 });
  const perEvent = (counter.bytes - before) / EVENTS;
  const idleFrom = counter.bytes;
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  const idle = (counter.bytes - idleFrom) * 3600 / IDLE_SECONDS;
  const body = JSON.stringify(configMap(namespace.name, "bytes-0")).length;
  return [
    {
      what:
        "bytes between control plane and agent of an event of one ConfigMap",
      value: perEvent,
      unit: "bytes",
      bar: { atMost: 4096 },
      peer: PEERS.none,
      note: `WebSocket, both ways, five statuses; the event is ${body} bytes`,
      also: { event_bytes: body },
    },
    {
      what: "the same of an agent that has nothing to do, an hour",
      value: idle / 1000,
      unit: "kB",
      bar: { atMost: 200 },
      peer: PEERS.none,
      note: `of ${IDLE_SECONDS} s; a heartbeat and its answer each 10 s`,
    },
  ];
}
