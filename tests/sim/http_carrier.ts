import { type DialOptions, isRecord, type Wire } from "@transporter/sdk";
import { HttpAcceptor, type HttpPush } from "@transporter/sdk/http";
import { dialRequests } from "../../sdk/connectors/http_session.ts";
import type { Requests } from "../../sdk/connectors/dialled_wire.ts";
import { Flight } from "./flight.ts";
import type { Process } from "./machine.ts";
import type { Listener, Medium } from "./medium.ts";
import { ObservedWire } from "./observed_wire.ts";
import { streamOf } from "./http_flow.ts";
import { timersOf } from "./timers.ts";

/**
 * Wires over requests that are lost, repeated, late and cut: the real ends of
 * the carriers over HTTP, and between them, in the place of sockets, the
 * simulated network.
 */
export class HttpCarrier {
  readonly #medium: Medium;
  /** What is on its way. */
  readonly #flights = new Set<Flight>();
  readonly #acceptors = new Map<Process, HttpAcceptor>();

  /** Makes one on which nothing is on its way. */
  constructor(medium: Medium) {
    this.#medium = medium;
  }

  /** Opens a wire. */
  async dial(
    client: Process,
    host: string,
    { signal, frameBytesMax, streams }: DialOptions & {
      /** Whether frames come by a stream. */
      readonly streams: boolean;
    },
  ): Promise<Wire> {
    const medium = this.#medium;
    const flights = this.#flights;
    const requests: Requests = {
      ask: ({ path, body, timeoutMs, signal }) =>
        new Flight({ medium, flights, client, host, signal, timeoutMs })
          .ask((listener, gone) =>
            this.#serve(listener, client, path, body, gone)
          ),
      stream: ({ path, firstMs, opened, signal }) =>
        streamOf({
          flight: new Flight({ medium, flights, client, host, signal }),
          client,
          medium,
          firstMs,
          opened,
          batches: (listener, gone) =>
            this.#acceptorOf(listener.process).stream(
              ...positionOf(path),
              { waitMs: KEEP_ALIVE_MS, signal: gone },
            ),
        }),
    };
    return await dialRequests({
      requests,
      timers: timersOf(client),
      rng: client.random,
      streams,
      frameBytesMax,
      times: {},
    }, { signal, host });
  }

  #acceptorOf(process: Process): HttpAcceptor {
    const known = this.#acceptors.get(process);
    if (known !== undefined) return known;
    let sessions = 0;
    const acceptor = new HttpAcceptor({
      timers: timersOf(process),
      newSession: () => `${process.name}-${++sessions}`,
    });
    this.#acceptors.set(process, acceptor);
    return acceptor;
  }

  /** What the routes of cp/http/link.ts do. */
  async #serve(
    listener: Listener,
    client: Process,
    path: string,
    body: unknown,
    gone: AbortSignal,
  ): Promise<unknown> {
    const acceptor = this.#acceptorOf(listener.process);
    if (path === "v2/link/sessions") {
      const { session, wire } = acceptor.open();
      listener.accept(
        this.#observed(wire, client, listener.process),
        this.#medium.remoteOf(client),
      );
      return { session, frames: [] };
    }
    if (!isRecord(body)) {
      const patience = { waitMs: waitMsOf(path), signal: gone };
      return await acceptor.poll(...positionOf(path), patience);
    }
    await acceptor.push(String(body["session"]), body as unknown as HttpPush);
    return {};
  }

  #observed(wire: Wire, client: Process, server: Process): Wire {
    const observed = new ObservedWire(
      wire,
      this.#medium.observe(client, server),
    );
    const flights = this.#flights;
    const between = () =>
      [...flights].filter((flight) =>
        flight.client === client && flight.server === server
      );
    this.#medium.add({
      client,
      server,
      move() {
        for (const flight of between()) flight.move();
      },
      isOpen() {
        return !observed.over && client.alive && server.alive &&
          !between().some(({ isCut }) => isCut);
      },
      cut([clientMs, serverMs]) {
        for (const flight of between()) flight.cut(clientMs, serverMs);
      },
    });
    return observed;
  }
}

/** How long a stream may be silent, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

function positionOf(path: string): [session: string, after: number] {
  const { searchParams } = new URL(path, "sim://host/");
  return [searchParams.get("session") ?? "", Number(searchParams.get("after"))];
}

function waitMsOf(path: string): number {
  return Number(new URL(path, "sim://host/").searchParams.get("wait")) * 1000;
}
