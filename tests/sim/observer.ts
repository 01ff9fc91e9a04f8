import { isRecord, TransporterError } from "@transporter/sdk";
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
    this.#loop.trace(entry.kind, () => describe(entry));
  }

  /** Sees the control plane's end of a connection. */
  session(client: Process, server: Process): EndObserver {
    const agent = client.machine.name;
    const process = client.name;
    const replica = server.machine.name;
    let gen: number | undefined;
    let left = false;
    server.ended(() => {
      if (gen !== undefined) this.#over({ agent, gen, replica, by: "network" });
    });
    return {
      took: (text) => {
        this.#frame("up", client, text);
        left ||= text.startsWith('{"type":"bye"');
        if (gen !== undefined || !/"id":/.test(text)) return;
        this.note({ kind: "session", agent, gen: 0, what: "register" });
      },
      sent: (text) => {
        this.#frame("down", client, text);
        if (!/^\{"type":"(welcome|event)"/.test(text)) return;
        const frame: unknown = JSON.parse(text);
        if (!isRecord(frame)) return;
        if (frame["type"] === "welcome") {
          gen = Number(frame["gen"]);
          const begin = { agent, gen, replica, process };
          this.note({ kind: "session", what: "begin", ...begin });
        } else if (gen !== undefined && isRecord(frame["event"])) {
          const event = String(frame["event"]["id"]);
          const sent = { agent, gen, replica, event };
          this.note({ kind: "session", what: "event", ...sent });
        }
      },
      over: (by, reason) => {
        if (gen === undefined) return;
        // Whoever says goodbye ends the session, whoever closes the connection after it.
        this.#over({
          agent,
          gen,
          replica,
          by: left ? "agent" : by,
          reason,
        });
      },
    };
  }

  #frame(direction: "up" | "down", { name }: Process, text: string): void {
    this.#loop.mix(text.length);
    this.#loop.trace(direction, () => `${name} ${text}`);
  }

  #over({ agent, gen, replica, by, reason }: {
    readonly agent: string;
    readonly gen: number;
    readonly replica: string;
    readonly by: "control-plane" | "agent" | "network";
    readonly reason?: TransporterError | undefined;
  }): void {
    this.note({
      kind: "session",
      agent,
      gen,
      replica,
      what: "end",
      by,
      ...(reason === undefined ? {} : { reason: reason.code }),
    });
  }
}

/** Why a program ended, for people: an error of its code with the name of that. */
export function reasonOf(reason: unknown): string {
  return reason instanceof TransporterError ? reason.message : String(reason);
}

function describe({ kind: _, at: __, ...rest }: Entry): string {
  return Object.entries(rest).map(([name, value]) =>
    `${name}=${
      typeof value === "number"
        ? Math.round(value)
        : typeof value === "object"
        ? JSON.stringify(value)
        : value
    }`
  ).join(" ");
}
