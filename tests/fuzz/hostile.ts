/**
 * Agents that say what they are told to, and those who must not suffer from it.
 *
 * @module
 */

import type { AcceptedBody, EventView } from "@transporter/sdk";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type RawFrame, registration } from "./frames.ts";
import { HANG_MS_MAX, type Target } from "./target.ts";
import { frame, RawWebSocket } from "./web_socket.ts";

/** Who an agent is when it attacks: not registered, or of one of the two versions. */
export type Who = "none" | "v1" | "v2";

/** An agent under the control of a test. */
export interface HostileAgent extends Disposable {
  /** Its connection. */
  readonly socket: RawWebSocket;
  /** Its id. */
  readonly id: string;
  /** The stream of its events; empty for one that has none. */
  readonly epoch: string;
  /** The event that it was sent; empty for one that got none. */
  readonly own: string;
}

/** Submits an event as a v1 producer does. */
export async function submit(
  { url }: Target,
  id: string,
  agent: string,
  more: RawFrame = {},
): Promise<AcceptedBody> {
  const answer = await fetch(`${url}/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      id,
      type: "other",
      target_agent: agent,
      payload: {},
      ...more,
    }),
  });
  const body = await answer.json();
  strictEqual(answer.status, 202, JSON.stringify(body));
  return body;
}

/** Connects an agent; a registered one has an event of its own, assigned to it. */
export async function connectAgent(
  target: Target,
  id: string,
  who: Who,
): Promise<HostileAgent> {
  const own = who === "none" ? "" : `own-${id}`;
  if (who !== "none") await submit(target, own, id);
  const socket = await RawWebSocket.connect(target.port);
  if (who !== "none") {
    await socket.json(registration(id, who === "v1" ? 1 : 2));
    const sent = () => socket.messages.some(({ type }) => type === "event");
    ok(await socket.until(sent, HANG_MS_MAX), `no event for ${id}`);
  }
  const welcome = socket.messages.find(({ type }) => type === "welcome");
  const epoch = String(welcome?.["epoch"] ?? "");
  return {
    socket,
    id,
    epoch,
    own,
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

let asked = 0;

/** Asks whether the connection is still open. */
async function isAnswered(socket: RawWebSocket, who: Who): Promise<boolean> {
  const name = `ask ${++asked}`;
  await socket.send(
    who === "v2"
      ? frame(JSON.stringify({ type: "heartbeat", timestamp: name }))
      : frame(name, { opcode: 9 }),
  );
  const answered = () =>
    who === "v2"
      ? socket.messages.some(({ timestamp }) => timestamp === name)
      : socket.received.some(({ opcode, text }) =>
        opcode === 10 && text === name
      );
  await socket.until(
    () => answered() || socket.closeCode !== undefined,
    HANG_MS_MAX,
  );
  return answered() && socket.closeCode === undefined;
}

/**
 * Waits until the control plane has dealt with all that was sent: says whether
 * the connection is still open. It is asked twice, as a question that comes in
 * one turn with what it is about is answered before that has led to anything.
 */
export async function isOpen(socket: RawWebSocket, who: Who): Promise<boolean> {
  return await isAnswered(socket, who) && await isAnswered(socket, who);
}

/** Shows an event. */
export async function show({ url }: Target, id: string): Promise<EventView> {
  const answer = await fetch(`${url}/v2/events/${id}`);
  const body = await answer.json();
  strictEqual(answer.status, 200, JSON.stringify(body));
  return body;
}

/** An agent that does its work, with an event that runs, one that is done, and one that has expired. */
export class Victim implements Disposable {
  readonly #target: Target;
  readonly #socket: RawWebSocket;
  readonly #before: readonly EventView[];

  private constructor(
    target: Target,
    socket: RawWebSocket,
    before: readonly EventView[],
  ) {
    this.#target = target;
    this.#socket = socket;
    this.#before = before;
  }

  /** Connects it, and brings its events where they belong. */
  static async start(target: Target): Promise<Victim> {
    await submit(target, "victim-expired", "victim", { ttl: 1 });
    await submit(target, "victim-running", "victim");
    await submit(target, "victim-done", "victim");
    const socket = await RawWebSocket.connect(target.port);
    await socket.json(registration("victim", 2));
    const sent = () => socket.messages.filter(({ type }) => type === "event");
    ok(await socket.until(() => sent().length >= 2, HANG_MS_MAX));
    for (const [i, id] of ["victim-running", "victim-done"].entries()) {
      await socket.json({
        type: "status_update",
        event_id: id,
        agent_id: "victim",
        state: id === "victim-done" ? "completed" : "in_progress",
        phase: id === "victim-done" ? "completed" : "applying",
        message: "",
        timestamp: "2026-11-23T05:04:27Z",
        attempt: 1,
        sid: i + 1,
      });
    }
    const acknowledged = () => socket.messages.some(({ upto }) => upto === 2);
    ok(await socket.until(acknowledged, HANG_MS_MAX));
    const victim = new Victim(target, socket, []);
    while ((await show(target, "victim-expired")).state !== "expired") {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return new Victim(target, socket, await victim.#show());
  }

  /** Fails when anything has become of its events, or of its session. */
  async mustBeUnharmed(): Promise<void> {
    deepStrictEqual(await this.#show(), this.#before);
    ok(await isOpen(this.#socket, "v2"), `closed: ${this.#socket.closeCode}`);
  }

  /** Hangs up. */
  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #show(): Promise<EventView[]> {
    const ids = ["victim-expired", "victim-running", "victim-done"];
    return Promise.all(ids.map((id) => show(this.#target, id)));
  }
}
