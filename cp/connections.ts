import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Requests of one connection that may wait for their answers. Beyond it the
 * connection is dropped: the runtime reads on while it answers, and stops at
 * nothing, so that one client which only sends would fill the memory.
 */
const PIPELINED_MAX = 100;

/**
 * The open connections of a server, and how many requests of each are being
 * answered. The runtime's own account leaves out connections that never sent
 * anything, of which browsers and HTTP clients keep some.
 */
export class Connections {
  readonly #requests = new Map<Socket, number>();
  #stopping = false;

  /** A connection was opened. */
  opened(socket: Socket): void {
    this.#requests.set(socket, 0);
    socket.once("close", () => this.#requests.delete(socket));
  }

  /**
   * A request came; it is over when its answer is written, or cannot be.
   *
   * @returns Whether it is to be answered.
   */
  began(socket: Socket, outgoing: ServerResponse): boolean {
    if ((this.#requests.get(socket) ?? 0) >= PIPELINED_MAX) socket.destroy();
    if (socket.destroyed) return false;
    this.#change(socket, 1);
    outgoing.once("close", () => this.#change(socket, -1));
    return true;
  }

  /** A connection is no longer HTTP: whoever took it over ends it. */
  upgraded(socket: Socket): void {
    this.#requests.delete(socket);
  }

  /** Closes connections without a request, now and as soon as the last one is answered. */
  stop(): void {
    this.#stopping = true;
    for (const [socket, requests] of this.#requests) {
      if (requests === 0) socket.destroy();
    }
  }

  /** Closes all that are left. */
  drop(): void {
    for (const socket of this.#requests.keys()) socket.destroy();
  }

  #change(socket: Socket, by: number): void {
    const requests = this.#requests.get(socket);
    if (requests === undefined) return;
    this.#requests.set(socket, requests + by);
    // What was written is still sent.
    if (this.#stopping && requests + by === 0) socket.end();
  }
}
