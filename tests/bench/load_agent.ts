// @ts-types="@types/ws"
import WebSocket from "ws";

/** The phases that an agent reports of an event; five statuses in all. */
const PHASES = ["received", "validating", "applying", "verifying", "completed"];

/** Events that an agent takes at a time. */
const WINDOW = 64;

/** How long events are gathered before they are acknowledged, in milliseconds; as an agent does while its journal is synced. */
const ACK_MS = 2;

/** An agent that costs little: it says of each event that it is done, in five statuses, and keeps nothing. */
export class LoadAgent {
  readonly #id: string;
  readonly #socket: WebSocket;
  readonly #welcome = Promise.withResolvers<void>();
  #epoch = "";
  #sid = 0;
  #received = 0;
  #acknowledged = 0;
  /** Events whose last status is durable at the control plane. */
  ended = 0;
  #closed = false;

  private constructor(url: string, id: string) {
    this.#id = id;
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
    this.#socket.on("open", () => this.#send(this.#registration()));
    this.#socket.on("message", (data) => this.#take(JSON.parse(String(data))));
    this.#socket.on("error", () => {}); // a close follows
    this.#socket.on("close", (code, reason) => {
      if (this.#closed) return;
      // Nothing that is measured from here on would mean anything.
      throw new Error(`Agent "${id}" was closed with ${code}: ${reason}`);
    });
  }

  /** Connects one, and waits until it is welcome. */
  static async connect(url: string, id: string): Promise<LoadAgent> {
    const agent = new LoadAgent(url, id);
    await agent.#welcome.promise;
    return agent;
  }

  /** Leaves. */
  close(): void {
    this.#closed = true;
    this.#socket.close();
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

  #send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
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
