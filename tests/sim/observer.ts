import { isRecord, type TransporterError } from "@transporter/sdk";
import type { Entry } from "../history/entry.ts";
import type { EndObserver } from "./connection.ts";
import type { Loop } from "./loop.ts";
import type { Process } from "./machine.ts";

/** An entry without the time, which the loop knows. */
export type Fact = Entry extends infer E
  ? E extends Entry ? Omit<E, "at"> & { readonly at?: number } : never
  : never;

/** Writes the history of a run: all that can be seen from outside. */
export class Observer {
  /** What was seen so far. */
  readonly history: Entry[] = [];
  readonly #loop: Loop;

  /** Makes one that has seen nothing. */
  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Notes what is seen now. */
  note(fact: Fact): void {
    const entry = { at: this.#loop.now, ...fact } as Entry;
    this.history.push(entry);
    const { kind, at: _, ...rest } = entry;
    this.#loop.trace(kind, JSON.stringify(rest));
  }

  /** Sees the control plane's end of a connection. */
  session(client: Process, _server: Process): EndObserver {
    const agent = client.machine.name;
    let gen: number | undefined;
    let left = false;
    return {
      took: (text) => {
        this.#loop.trace("up", `${client.name} ${text}`);
        left ||= text.startsWith('{"type":"bye"');
        if (gen !== undefined || !/"id":/.test(text)) return;
        this.note({ kind: "session", agent, gen: 0, what: "register" });
      },
      sent: (text) => {
        this.#loop.trace("down", `${client.name} ${text}`);
        if (!/^\{"type":"(welcome|event)"/.test(text)) return;
        const frame: unknown = JSON.parse(text);
        if (!isRecord(frame)) return;
        if (frame["type"] === "welcome") {
          gen = Number(frame["gen"]);
          this.note({ kind: "session", agent, gen, what: "begin" });
        } else if (gen !== undefined && isRecord(frame["event"])) {
          const event = String(frame["event"]["id"]);
          this.note({ kind: "session", agent, gen, what: "event", event });
        }
      },
      over: (by, reason) => {
        // Whoever says goodbye ends the session, whoever closes the connection after it.
        if (gen !== undefined) {
          this.#over(agent, gen, left ? "there" : by, reason);
        }
      },
    };
  }

  #over(
    agent: string,
    gen: number,
    by: "here" | "there" | "network",
    reason: TransporterError | undefined,
  ): void {
    this.note({
      kind: "session",
      agent,
      gen,
      what: "end",
      by: by === "here"
        ? "control-plane"
        : by === "there"
        ? "agent"
        : "network",
      ...(reason === undefined ? {} : { reason: reason.code }),
    });
  }
}
