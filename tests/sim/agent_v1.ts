import {
  formatTime,
  FRAME_BYTES_MAX,
  isRecord,
  type Wire,
} from "@transporter/sdk";
import { type Cluster, taskOf, TYPE } from "./executor.ts";
import type { Process } from "./machine.ts";
import { Node, type NodeOptions } from "./node.ts";

/** How often it says that it is there, in milliseconds. */
const HEARTBEAT_MS = 10_000;

/** How long it waits for a connection, in milliseconds. */
const DIAL_MS = 10_000;

/** The phases that it reports before the end. */
const PHASES = ["received", "validating", "applying", "verifying"] as const;

/**
 * The machine of an agent that speaks version 1 of the link, as upstream's
 * does: no journal, no acknowledgement, one event after the other, and whatever
 * its connection does, its process ends with it.
 */
export class OldAgentNode extends Node {
  readonly #options: NodeOptions;
  readonly #cluster: Cluster = new Set();

  #dials = 0;

  /** Makes a machine on which nothing runs yet. */
  constructor(options: NodeOptions) {
    super(options);
    this.#options = options;
  }

  override terminate(): void {
    this.process?.kill();
  }

  protected override losePower(): void {
    // It has nothing on its disk.
  }

  protected override async boot(process: Process): Promise<void> {
    const { network, observer, controlPlanes } = this.#options;
    const host = controlPlanes[this.#dials++ % controlPlanes.length];
    observer.note({
      kind: "boot",
      process: process.name,
      concurrency: 1,
      link: 1,
    });
    process.ended(() => observer.note({ kind: "exit", process: process.name }));
    let wire: Wire | undefined;
    process.after(DIAL_MS, "gives up", () => wire ?? process.kill());
    try {
      const dial = network.dialOf(process);
      const { signal } = new AbortController();
      const frameBytesMax = FRAME_BYTES_MAX;
      wire = await dial(new URL(`sim://${host}`), { signal, frameBytesMax });
      await this.#talk(wire, process);
    } catch {
      // Whatever it is, a supervisor starts it again.
    }
    process.kill();
  }

  async #talk(wire: Wire, process: Process): Promise<void> {
    const { name: id } = this.machine;
    const registration = {
      id,
      name: id,
      cluster_name: id,
      version: "0.1.0",
      capabilities: [TYPE],
    };
    await wire.send(JSON.stringify(registration));
    this.#beat(wire, process);
    for await (const text of wire.frames) {
      const frame: unknown = JSON.parse(text);
      if (isRecord(frame) && isRecord(frame["event"])) {
        await this.#work(wire, frame["event"], process);
      }
    }
  }

  #beat(wire: Wire, process: Process): void {
    const timestamp = formatTime(process.clock.now());
    wire.send(JSON.stringify({ type: "heartbeat", timestamp, metrics: {} }))
      .catch(() => process.kill());
    process.after(HEARTBEAT_MS, "heartbeat", () => this.#beat(wire, process));
  }

  async #work(
    wire: Wire,
    { id, payload }: Record<string, unknown>,
    process: Process,
  ): Promise<void> {
    const { observer } = this.#options;
    const event = String(id);
    const task = taskOf(payload);
    const work = { agent: this.machine.name, event, attempt: 1 };
    const say = (state: string, phase: string) =>
      wire.send(JSON.stringify({
        type: "status_update",
        event_id: event,
        agent_id: this.machine.name,
        state,
        phase,
        message: phase,
        log_level: "info",
        details: null,
        result: null,
        timestamp: formatTime(process.clock.now()),
      }));
    observer.note({ kind: "start", ...work, process: process.name });
    for (const phase of PHASES) await say("in_progress", phase);
    await process.clock.sleep(task.ms);
    if (task.deadly && !this.#cluster.has(event)) process.kill();
    const done = task.failures === 0;
    this.#cluster.add(event);
    observer.note({
      kind: "end",
      ...work,
      outcome: done ? "done" : "failed",
    });
    const end = done ? "completed" : "failed";
    await say(end, end);
  }
}
