import {
  type Dial,
  type DialOptions,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import { End, type EndObserver } from "./connection.ts";
import type { Loop } from "./loop.ts";
import type { Machine, Process } from "./machine.ts";
import { Pipe, type Speed } from "./pipe.ts";
import type { Random } from "./random.ts";

/** How long it takes until a refused connection is known to be refused, on average, in milliseconds. */
const REFUSED_MS = 5;

/** Takes a connection. */
export type Accept = (wire: Wire, remote: string) => void;

/** A connection, as faults see it. */
export interface Connection {
  /** Who opened it. */
  readonly client: Process;
  /** Who accepted it. */
  readonly server: Process;
  /** Whether both ends may still send, and what they send arrives. */
  readonly open: boolean;
  /** Loses what is on its way from some point on; each side finds out after a time of its own, or never. */
  cut(afterMs: readonly [client: number, server: number]): void;
}

interface Line extends Connection {
  readonly pipes: readonly [there: Pipe, back: Pipe];
}

/** The network between machines. */
export class Network {
  /** How fast it is now. */
  speed: Speed = { leastMs: 0.2, jitterMs: 1 };
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #observe: (client: Process, server: Process) => EndObserver;
  readonly #lines = new Set<Line>();
  /** Who takes connections, by the name of the machine. */
  readonly #listeners = new Map<
    string,
    { readonly process: Process; readonly accept: Accept }
  >();
  #dials = 0;

  /** Makes one that nobody listens on. */
  constructor(
    { loop, random, observe }: {
      readonly loop: Loop;
      readonly random: Random;
      /** Makes what sees the accepting end of a new connection. */
      readonly observe: (client: Process, server: Process) => EndObserver;
    },
  ) {
    this.#loop = loop;
    this.#random = random;
    this.#observe = observe;
  }

  /** The connections that are open. */
  get connections(): readonly Connection[] {
    return [...this.#lines].filter(({ open }) => open);
  }

  /** Lets a process take the connections that come from now on. */
  listen(process: Process, accept: Accept): void {
    this.#listeners.set(process.machine.name, { process, accept });
  }

  /** What a process dials with. */
  dialOf(client: Process): Dial {
    return ({ hostname }, { signal }) => this.#dial(client, hostname, signal);
  }

  /** Lets go on what was held up, after a machine became reachable again. */
  reconnect(): void {
    for (const { pipes } of this.#lines) for (const pipe of pipes) pipe.move();
  }

  #dial(
    client: Process,
    host: string,
    signal: DialOptions["signal"],
  ): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      const { leastMs, jitterMs } = this.speed;
      const delay = () => leastMs + this.#random.exponential(jitterMs);
      client.after(delay(), "dial", () => {
        const listener = this.#listeners.get(host);
        const there = listener?.process;
        const silent = !client.machine.reachable ||
          there?.machine.on === false || there?.machine.reachable === false;
        if (silent || signal.aborted) return; // nobody answers: the signal gives up
        if (listener === undefined || !listener.process.alive) {
          client.after(REFUSED_MS + delay(), "refused", () =>
            reject(
              new TransporterError("unavailable", "Connection refused"),
            ));
          return;
        }
        const { near, far } = this.#connect(client, listener.process);
        client.after(delay(), "connected", () => {
          signal.removeEventListener("abort", abort);
          if (signal.aborted) near.close();
          else resolve(near);
        });
        const remote = `${client.name}:${++this.#dials}`;
        listener.process.after(
          delay(),
          "accept",
          () => listener.accept(far, remote),
        );
      });
    });
  }

  #connect(client: Process, server: Process): { near: End; far: End } {
    const near = new End(client);
    const far = new End(server, this.#observe(client, server));
    const passes = () => client.machine.reachable && server.machine.reachable;
    const shared = {
      random: this.#random,
      speed: () => this.speed,
      passes,
    };
    const there: Pipe = new Pipe({
      ...shared,
      to: server,
      deliver: (packet) => far.take(packet),
      refused: () => back.break(REFUSED_MS),
    });
    const back: Pipe = new Pipe({
      ...shared,
      to: client,
      deliver: (packet) => near.take(packet),
      refused: () => there.break(REFUSED_MS),
    });
    near.attach(there);
    far.attach(back);
    this.#add({ client, server, near, far, there, back });
    return { near, far };
  }

  #add({ client, server, near, far, there, back }: {
    client: Process;
    server: Process;
    near: End;
    far: End;
    there: Pipe;
    back: Pipe;
  }): void {
    let whole = true;
    const line: Line = {
      client,
      server,
      pipes: [there, back],
      get open() {
        const ends = near.open && far.open;
        return whole && ends && client.alive && server.alive;
      },
      cut([clientMs, serverMs]) {
        whole = false;
        for (const pipe of [there, back]) pipe.lose();
        if (clientMs < Infinity) back.break(clientMs);
        if (serverMs < Infinity) there.break(serverMs);
      },
    };
    this.#lines.add(line);
    // Its kernel says so for a process that is gone, unless the whole machine is.
    client.ended(() => this.#gone(client.machine, there));
    server.ended(() => this.#gone(server.machine, back));
  }

  #gone(machine: Machine, outgoing: Pipe): void {
    if (machine.on) outgoing.send({ kind: "broken" });
  }
}
