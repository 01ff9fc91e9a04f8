import { CpProcess, dialUrl, submit } from "../system.ts";
import type { Figure } from "./figures.ts";
import { held } from "./held_bench.ts";
import { PEERS } from "./peers.ts";
import { memoryMb } from "./process.ts";
import type { StormCount, StormLoad } from "./storm_load.ts";
import { delay } from "../chaos/delay.ts";

const AGENTS = 10_000;

/** Milliseconds between two looks. */
const LOOK_MS = 200;

/** Milliseconds between two events of the producer. */
const EVENT_MS = 100;

/** How long agents may take at all, in milliseconds. */
const WAIT_MS = 180_000;

/** The agents, in a process of their own. */
class Storm implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";

  constructor(load: StormLoad) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", "--no-prompt"],
        new URL("storm_load.ts", import.meta.url).pathname,
        JSON.stringify(load),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** Where they stand now. */
  async count(): Promise<StormCount> {
    await this.#writer.write(new TextEncoder().encode("?\n"));
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("The agents have ended");
      this.#rest += value;
    }
    const [line = "", ...rest] = this.#rest.split("\n");
    this.#rest = rest.join("\n");
    return JSON.parse(line);
  }

  /** Waits until all are connected, and one registration each was welcomed since a count. */
  async allBack(before = 0): Promise<StormCount> {
    const end = performance.now() + WAIT_MS;
    while (true) {
      const count = await this.count();
      const { connected, registrations } = count;
      if (connected === AGENTS && registrations >= before + AGENTS) {
        return count;
      }
      if (performance.now() > end) {
        throw new Error(`Agents are not back: ${JSON.stringify(count)}`);
      }
      await delay(LOOK_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#lines.cancel();
    await this.#writer.abort();
    await this.#child.status;
  }
}

/** Sends an event to one agent after the other, until one has ended; returns when, and which answers were 5xx. */
async function firstEnd(
  url: string,
): Promise<{ readonly at: number; readonly faults: number }> {
  let faults = 0;
  for (let i = 0;; i++) {
    const id = `storm-${Date.now()}-${i}`;
    const agent = `storm-${i * 97 % AGENTS}`;
    await submit(url, {
      ...{ id, type: "script", target_agent: agent },
      payload: { script: "echo hello" },
    });
    await delay(EVENT_MS);
    const answer = await fetch(`${url}/v2/events?state=completed&limit=1`);
    if (answer.status >= 500) faults++;
    const { items = [] } = await answer.json();
    if (items.length > 0) return { at: Date.now(), faults };
  }
}

/** What 10,000 connected agents cost, and how they come back when their control plane was killed. */
export async function storm(script: string): Promise<Figure[]> {
  const open = await held(script);
  await using cp = await CpProcess.start({ script });
  const before = await memoryMb(cp.program.pid, "VmRSS");
  await using agents = new Storm({
    address: dialUrl(cp.url, "ws"),
    agents: AGENTS,
  });
  const { registrations } = await agents.allBack();
  const registered = await memoryMb(cp.program.pid, "VmRSS");

  await cp.crash();
  await cp.restart();
  const readyAt = Date.now();
  const [first, back] = await Promise.all([
    firstEnd(cp.url),
    agents.allBack(registrations),
  ]);
  const faults = Object.entries(back.ends).filter(([name]) => / 5/.test(name))
    .reduce((sum, [, count]) => sum + count, first.faults);
  return [
    open,
    {
      what:
        `${AGENTS} agents connected by WebSocket: memory of the control plane for each, after their registrations`,
      value: (registered - before) * 1e6 / AGENTS / 1000,
      unit: "kB",
      bar: { atMost: 16 },
      peer: PEERS.held,
    },
    {
      what:
        `${AGENTS} agents after a killed control plane serves again: all are back`,
      value: (back.lastAt - readyAt) / 1000,
      unit: "s",
      bar: { atMost: 60 },
      note: Object.entries(back.ends).map(([name, count]) => `${count} ${name}`)
        .join(", "),
      peer: PEERS.storm,
    },
    {
      what: "the same: an event that was sent since has ended",
      value: (first.at - readyAt) / 1000,
      unit: "s",
      bar: { atMost: 10 },
      peer: PEERS.restart,
    },
    {
      what: "the same: answers of the class 5xx",
      value: faults,
      unit: "",
      bar: { atMost: 0 },
      peer: PEERS.none,
    },
  ];
}
