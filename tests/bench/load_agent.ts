import type { Wire } from "@transporter/sdk";
import { dials } from "../../program/dials.ts";

/** The phases that an agent reports of an event; five statuses in all. */
const PHASES = ["received", "validating", "applying", "verifying", "completed"];

/** Events that an agent takes at a time. */
const WINDOW = 64;

/** How long events are gathered before they are acknowledged, in milliseconds; as an agent does while its journal is synced. */
const ACK_MS = 2;

/** The longest frame that an agent takes, in bytes. */
const FRAME_BYTES_MAX = 524_288;

/** Milliseconds that an agent waits until it is connected. */
const DIAL_MS = 60_000;

/** How a wire to the control plane at an address is opened: as the agent does it. */
async function dial(address: string, agentId: string): Promise<Wire> {
  const url = new URL(address);
  const open = dials({})[url.protocol.slice(0, -1)];
  if (open === undefined) throw new Error(`No agent dials "${address}"`);
  return await open(url, {
    signal: AbortSignal.timeout(DIAL_MS),
    frameBytesMax: FRAME_BYTES_MAX,
    agentId,
  });
}

/** Where agents dial with a WebSocket, of a control plane whose API is at `url`. */
export function agentAddress(url: string): string {
  return `${url.replace("http", "ws")}/ws`;
}

/** An agent that costs little: it says of each event that it is done, in five statuses, and keeps nothing. */
export class LoadAgent {
  readonly #id: string;
  readonly #wire: Wire;
  readonly #welcome = Promise.withResolvers<void>();
  #epoch = "";
  #sid = 0;
  #received = 0;
  #acknowledged = 0;
  /** Events whose last status is durable at the control plane. */
  ended = 0;
  #closed = false;

  private constructor(wire: Wire, id: string) {
    this.#id = id;
    this.#wire = wire;
  }

  /** Connects one by an address as `agent --cp-url` takes it, and waits until it is welcome. */
  static async connect(address: string, id: string): Promise<LoadAgent> {
    const agent = new LoadAgent(await dial(address, id), id);
    agent.#listen();
    agent.#send(agent.#registration());
    await agent.#welcome.promise;
    return agent;
  }

  /** Leaves. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#wire.close();
  }

  async #listen(): Promise<void> {
    let reason: unknown;
    try {
      for await (const frame of this.#wire.frames) {
        this.#take(JSON.parse(frame));
      }
    } catch (error) {
      reason = error;
    }
    if (this.#closed) return;
    // Nothing that is measured from here on would mean anything.
    throw new Error(`Agent "${this.#id}" was closed: ${reason}`);
  }

  #registration(): object {
    return {
      id: this.#id,
      name: this.#id,
      cluster_name: "load",
      version: "0.1.0",
      capabilities: ["script_exec"],
      link: {
        versions: [2],
        features: ["ack", "parts"],
        instance: crypto.randomUUID(),
        window: WINDOW,
        max_frame: 524_288,
        clock: new Date().toISOString(),
        executors: [{ type: "script", version: "1.0.0" }],
      },
    };
  }

  /** In order; what it throws ends the process, as it would mean that the wire is gone. */
  #send(frame: object): void {
    if (!this.#closed) this.#wire.send(JSON.stringify(frame));
  }

  #take(frame: Incoming): void {
    switch (frame.type) {
      case "welcome":
        this.#epoch = frame.epoch;
        this.#welcome.resolve();
        return;
      case "event":
        if (this.#received === this.#acknowledged) {
          setTimeout(() => this.#acknowledge(), ACK_MS);
        }
        this.#received = frame.seq;
        this.#report(frame);
        return;
      case "status_ack":
        this.ended = Math.floor(frame.upto / PHASES.length);
    }
  }

  #acknowledge(): void {
    this.#acknowledged = this.#received;
    this.#send({ type: "ack", epoch: this.#epoch, upto: this.#received });
  }

  #report({ event, attempt }: EventFrame): void {
    for (const phase of PHASES) {
      const done = phase === "completed";
      this.#send({
        type: "status_update",
        event_id: event.id,
        agent_id: this.#id,
        state: done ? "completed" : "in_progress",
        phase,
        message: phase,
        timestamp: new Date().toISOString(),
        result: done ? { success: true } : null,
        sid: ++this.#sid,
        attempt,
      });
    }
  }
}

interface EventFrame {
  readonly type: "event";
  readonly seq: number;
  readonly attempt: number;
  readonly event: { readonly id: string };
}

/** What of the frames of a control plane is looked at. */
type Incoming =
  | EventFrame
  | { readonly type: "welcome"; readonly epoch: string }
  | { readonly type: "status_ack"; readonly upto: number };
