import { isRecord, TransporterError } from "@transporter/sdk";
import type { Entry, Session } from "../history/entry.ts";
import type { EndObserver } from "./connection.ts";
import type { Loop } from "./loop.ts";
import type { Process } from "./machine.ts";

/** An entry without the time, which the loop knows. */
export type Fact = Entry extends infer E
  ? E extends Entry ? Omit<E, "at"> & { readonly at?: number } : never
  : never;

/** The frames after which an attempt is not the agent's any more. */
const LAST_WORD_REGEXP =
  /^\{"type":("nack"|"status_update".*("state":"(completed|failed|cancelled|expired)"|"phase":"interrupted"))/;

/** Writes the history of a run: all that can be seen from outside. */
export class Observer {
  /** What was seen so far. */
  readonly history: Entry[] = [];
  readonly #loop: Loop;

  /** Makes one that has seen nothing. */
  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Notes what is seen now; keeps what it is given. */
  note(fact: Fact): void {
    const entry = Object.assign(fact, {
      at: fact.at ?? this.#loop.now,
    }) as Entry;
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
    const [up, down] = [new Joiner(), new Joiner()];
    server.ended(() => {
      if (gen !== undefined) this.#over({ agent, gen, replica, by: "network" });
    });
    return {
      took: (text) => {
        this.#frame("up", client, text);
        left ||= text.startsWith('{"type":"bye"');
        const message = up.join(text);
        if (message === undefined) return;
        if (gen === undefined) {
          if (!/"id":/.test(message)) return;
          this.note({ kind: "session", agent, gen: 0, what: "register" });
        } else if (LAST_WORD_REGEXP.test(message)) {
          const frame: unknown = JSON.parse(message);
          if (!isRecord(frame)) return;
          const event = String(frame["event_id"]);
          const over = { agent, gen, replica, event, ...numbersOf(frame) };
          this.note({ kind: "session", what: "over", ...over });
        }
      },
      sent: (text) => {
        this.#frame("down", client, text);
        const message = down.join(text);
        if (!/^\{"type":"(welcome|event)"/.test(message ?? "")) return;
        const frame: unknown = JSON.parse(message ?? "");
        if (!isRecord(frame)) return;
        if (frame["type"] === "welcome") {
          gen = Number(frame["gen"]);
          const seq = numbersOf({ seq: frame["next_seq"] });
          const begin = { agent, gen, replica, process, ...seq };
          this.note({ kind: "session", what: "begin", ...begin });
        } else if (gen !== undefined && isRecord(frame["event"])) {
          const event = String(frame["event"]["id"]);
          const bytes = JSON.stringify(frame["event"]).length;
          const numbers = numbersOf(frame);
          const sent = { agent, gen, replica, event, bytes, ...numbers };
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

/** Puts the parts of messages together again, as far as they fit. */
class Joiner {
  #text = "";

  /** The message that ends with this frame; `undefined` in the middle of one. */
  join(frame: string): string | undefined {
    if (!frame.startsWith('{"type":"part"')) return frame;
    const part: unknown = JSON.parse(frame);
    if (!isRecord(part)) return undefined;
    const { i, n, text } = part;
    this.#text = i === 0 ? String(text) : this.#text + String(text);
    return Number(i) + 1 === n ? this.#text : undefined;
  }
}

/** What a frame says by number, as far as it does. */
function numbersOf(
  { seq, attempt }: Readonly<Record<string, unknown>>,
): Pick<Session, "seq" | "attempt"> {
  return {
    ...(typeof seq === "number" ? { seq } : {}),
    ...(typeof attempt === "number" ? { attempt } : {}),
  };
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
