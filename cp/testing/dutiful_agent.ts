import type { Wire } from "@transporter/sdk";
import type { RawFrame, ScriptedAgent } from "./scripted_agent.ts";
import { type ConnectOptions, registration, type World } from "./world.ts";

/**
 * The smallest agent that keeps its promises: it remembers ids and unsent
 * statuses across connections, runs each attempt once, and reports every phase.
 */
export class DutifulAgent {
  #world: World;
  readonly #options: ConnectOptions;
  readonly #known = new Set<string>();
  #outbox: RawFrame[] = [];
  #sid = 0;
  #received = 0;
  #epoch = "";
  /** The attempts it ran, in order, as `id/attempt`. */
  readonly ran: string[] = [];
  /** The events it was sent, in order, again and again. */
  readonly sent: string[] = [];

  /** Makes an agent that is not connected. */
  constructor(world: World, options: ConnectOptions = {}) {
    this.#world = world;
    this.#options = options;
  }

  /** Connects to another control plane from now on. */
  moveTo(world: World): void {
    this.#world = world;
  }

  /** Connects, and works until the wire closes; resolves with the reason. */
  async work(wrap?: (wire: Wire) => Wire): Promise<string> {
    const { agent, served } = this.#world.dial(wrap);
    try {
      await this.#register(agent);
      for (;;) await this.#take(agent, await agent.next());
    } catch {
      // The wire is closed: whatever was not acknowledged is sent on the next one.
    }
    await served;
    return await agent.end();
  }

  async #register(agent: ScriptedAgent): Promise<void> {
    const resume = this.#epoch === ""
      ? {}
      : { resume: { epoch: this.#epoch, recv: this.#received } };
    const link = { ...this.#options.link, ...resume };
    await agent.send(registration({ ...this.#options, link }));
    await agent.next();
    const welcome = await agent.next();
    this.#epoch = String(welcome["epoch"]);
    this.#forget(Number(welcome["status_upto"]));
    for (const status of this.#outbox) await agent.send(status);
  }

  async #take(agent: ScriptedAgent, frame: RawFrame): Promise<void> {
    if (frame["type"] === "status_ack") this.#forget(Number(frame["upto"]));
    if (frame["type"] !== "event") return;
    const { id } = frame["event"] as { id: string };
    const name = `${id}/${frame["attempt"]}`;
    this.sent.push(name);
    const seq = Number(frame["seq"]);
    this.#received = Math.max(this.#received, seq);
    const begun = this.#known.has(name);
    if (!begun) {
      this.#known.add(name);
      this.ran.push(name);
      this.#report(id, frame["attempt"]);
    }
    await agent.send({ type: "ack", epoch: this.#epoch, upto: seq });
    if (begun) return;
    for (const status of this.#outbox.slice(-5)) await agent.send(status);
  }

  #report(id: string, attempt: unknown): void {
    const phases = ["received", "validating", "applying", "verifying"];
    for (const phase of [...phases, "completed"]) {
      const done = phase === "completed";
      this.#outbox.push({
        type: "status_update",
        event_id: id,
        agent_id: "edge-1",
        state: done ? "completed" : "in_progress",
        phase,
        message: phase,
        timestamp: "2026-11-23T05:04:27Z",
        result: done ? { success: true } : null,
        sid: ++this.#sid,
        attempt,
      });
    }
  }

  #forget(upto: number): void {
    this.#outbox = this.#outbox.filter(({ sid }) => Number(sid) > upto);
  }
}
