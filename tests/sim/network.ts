import {
  type Dial,
  type DialOptions,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import { End, type EndObserver } from "./connection.ts";
import { HttpCarrier } from "./http_carrier.ts";
import type { Loop } from "./loop.ts";
import type { Machine, Process } from "./machine.ts";
import {
  type Accept,
  type Connection,
  type Line,
  type Listener,
  type Medium,
  passes,
  REFUSED_MS,
  type WireName,
} from "./medium.ts";
import { connectNats } from "./nats_carrier.ts";
import { Pipe, type Speed } from "./pipe.ts";
import type { Random } from "./random.ts";

/** What a network is made of. */
export interface NetworkOptions {
  /** Where time comes from. */
  readonly loop: Loop;
  /** Where chance comes from. */
  readonly random: Random;
  /** What carries frames. */
  readonly wire: WireName;
  /** Makes what sees the accepting end of a new connection. */
  readonly observe: (client: Process, server: Process) => EndObserver;
}

/** What a network is like that has no trouble. */
const WELL: Speed = { leastMs: 0.2, jitterMs: 1 };

/** How likely it is that what is not a connection loses something, or has it come twice. */
const LOSSY = 0.01;

/** The network between machines. */
export class Network implements Medium {
  /** The slowness of each fault that goes on, in the order that they came. */
  readonly #slow = new Set<Speed>();
  lossy = LOSSY;
  readonly loop: Loop;
  readonly random: Random;
  readonly observe: (client: Process, server: Process) => EndObserver;
  readonly #wire: WireName;
  readonly #http: HttpCarrier;
  readonly #lines = new Set<Line>();
  /** Who takes connections, by the name of the machine. */
  readonly #listeners = new Map<string, Listener>();
  #dials = 0;

  /** Makes one that nobody listens on. */
  constructor({ loop, random, wire, observe }: NetworkOptions) {
    this.loop = loop;
    this.random = random;
    this.observe = observe;
    this.#wire = wire;
    this.#http = new HttpCarrier(this);
  }

  /** The connections that are open. */
  get connections(): readonly Connection[] {
    return [...this.#lines].filter((line) => line.isOpen());
  }

  /** Lets a process take the connections that come from now on. */
  listen(process: Process, accept: Accept): void {
    this.#listeners.set(process.machine.name, { process, accept });
  }

  listenerOf(host: string): Listener | undefined {
    return this.#listeners.get(host);
  }

  /** What a process dials with. */
  dialOf(client: Process): Dial {
    return ({ hostname }, options) =>
      this.#wire === "poll" || this.#wire === "sse"
        ? this.#http.dial(client, hostname, {
          ...options,
          streams: this.#wire === "sse",
        })
        : this.#dial(client, hostname, options);
  }

  /** Lets go on what was held up, after a machine became reachable again. */
  reconnect(): void {
    for (const line of this.#lines) line.move();
  }

  /** How fast it is now: as the last of the faults that go on has it. */
  get speed(): Speed {
    return [...this.#slow].at(-1) ?? WELL;
  }

  /** Slows it down; returns what ends that. */
  slow(jitterMs: number): () => void {
    const speed = { ...WELL, jitterMs };
    this.#slow.add(speed);
    return () => void this.#slow.delete(speed);
  }

  /** Is as it was before all faults, and loses nothing. */
  heal(): void {
    this.#slow.clear();
    this.lossy = 0;
    this.reconnect();
  }

  delayMs(): number {
    const { leastMs, jitterMs } = this.speed;
    return leastMs + this.random.exponential(jitterMs);
  }

  remoteOf(client: Process): string {
    return `${client.name}:${++this.#dials}`;
  }

  add(line: Line): void {
    this.#lines.add(line);
  }

  #dial(
    client: Process,
    host: string,
    options: DialOptions,
  ): Promise<Wire> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      const { leastMs, jitterMs } = this.speed;
      const delay = () => leastMs + this.random.exponential(jitterMs);
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
        const { near, far } = this.#wire === "nats"
          ? connectNats(this, client, listener.process, options)
          : this.#connect(client, listener.process);
        client.after(delay(), "connected", () => {
          signal.removeEventListener("abort", abort);
          if (signal.aborted) near.close();
          else resolve(near);
        });
        const remote = this.remoteOf(client);
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
    const far = new End(server, this.observe(client, server));
    const shared = {
      random: this.random,
      speed: () => this.speed,
      passes: () => passes(client, server),
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
    this.#addPipes({ client, server, near, far, there, back });
    return { near, far };
  }

  #addPipes({ client, server, near, far, there, back }: {
    client: Process;
    server: Process;
    near: End;
    far: End;
    there: Pipe;
    back: Pipe;
  }): void {
    let whole = true;
    this.add({
      client,
      server,
      move() {
        for (const pipe of [there, back]) pipe.move();
      },
      isOpen() {
        const ends = near.open && far.open;
        return whole && ends && client.alive && server.alive;
      },
      cut([clientMs, serverMs]) {
        whole = false;
        for (const pipe of [there, back]) pipe.lose();
        if (clientMs < Infinity) back.break(clientMs);
        if (serverMs < Infinity) there.break(serverMs);
      },
    });
    // Its kernel says so for a process that is gone, unless the whole machine is.
    client.ended(() => this.#gone(client.machine, there));
    server.ended(() => this.#gone(server.machine, back));
  }

  #gone(machine: Machine, outgoing: Pipe): void {
    if (machine.on) outgoing.send({ kind: "broken" });
  }
}
