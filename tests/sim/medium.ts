import type { Wire } from "@transporter/sdk";
import type { EndObserver } from "./connection.ts";
import type { Loop } from "./loop.ts";
import type { Process } from "./machine.ts";
import type { Speed } from "./pipe.ts";
import type { Random } from "./random.ts";

/** What carries the frames of agents: a connection, as a WebSocket is one, requests, a stream beside them, or messages. */
export type WireName = "socket" | "poll" | "sse" | "nats";

/** All of them. */
export const WIRES: readonly [WireName, ...WireName[]] = [
  "socket",
  "poll",
  "sse",
  "nats",
];

/** How long it takes until a refused connection is known to be refused, on average, in milliseconds. */
export const REFUSED_MS = 5;

/** Takes a connection. */
export type Accept = (wire: Wire, remote: string) => void;

/** A connection, as faults see it. */
export interface Connection {
  /** Who opened it. */
  readonly client: Process;
  /** Who accepted it. */
  readonly server: Process;
  /** Returns whether both ends may still send, and what they send arrives. */
  isOpen(): boolean;
  /** Loses what is on its way from some point on; each side finds out after a time of its own, or never. */
  cut(afterMs: readonly [client: number, server: number]): void;
}

/** A connection, as the network sees it. */
export interface Line extends Connection {
  /** Lets go on what was held up. */
  move(): void;
}

/** Who takes connections. */
export interface Listener {
  readonly process: Process;
  readonly accept: Accept;
}

/** The network, as what carries frames over it sees it. */
export interface Medium {
  readonly loop: Loop;
  readonly random: Random;
  /** How fast it is now. */
  readonly speed: Speed;
  /** How likely it is that a request or a message is lost, and the same that it comes twice, or late. */
  readonly lossy: number;
  /** Milliseconds that something takes now. */
  delayMs(): number;
  /** Makes what sees the accepting end of a new connection. */
  observe(client: Process, server: Process): EndObserver;
  /** Who takes connections on a machine. */
  listenerOf(host: string): Listener | undefined;
  /** A name for a new connection of a process. */
  remoteOf(client: Process): string;
  /** Adds a connection. */
  add(line: Line): void;
}

/** Whether something gets from one machine to the other now. */
export function passes(a: Process, b: Process): boolean {
  return a.machine.reachable && b.machine.reachable;
}
