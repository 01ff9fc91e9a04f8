/**
 * A TCP proxy whose connections can fall silent, as they do behind a firewall
 * that forgot them: nobody is told, nothing moves.
 *
 * @module
 */

/** See above. */
export class TcpProxy implements AsyncDisposable {
  readonly #upstream: { readonly hostname: string; readonly port: number };
  readonly #listener: Deno.TcpListener;
  readonly #serving: Promise<void>;
  readonly #open = new Set<Deno.Conn>();
  readonly #pumps = new Set<Promise<void>>();
  /** Of the connections that are open now; a new object is taken for those that come later. */
  #state = { frozen: false };

  /** Listens on a free port of 127.0.0.1 and passes everything on. */
  constructor(upstream: { readonly hostname: string; readonly port: number }) {
    this.#upstream = upstream;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#serving = this.#serve();
  }

  /** Where it listens. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Silences the connections that are open; new ones work. */
  freeze(): void {
    this.#state.frozen = true;
    this.#state = { frozen: false };
  }

  /** Ends it with all its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) conn.close();
    this.#open.clear();
    await this.#serving;
    await Promise.all(this.#pumps);
  }

  async #serve(): Promise<void> {
    for await (const near of this.#listener) {
      const far = await Deno.connect(this.#upstream);
      const state = this.#state;
      this.#open.add(near).add(far);
      for (const [from, to] of [[near, far], [far, near]] as const) {
        const pump = this.#pump(from, to, state);
        this.#pumps.add(pump);
        pump.finally(() => this.#pumps.delete(pump));
      }
    }
  }

  async #pump(
    from: Deno.Conn,
    to: Deno.Conn,
    state: { readonly frozen: boolean },
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (state.frozen) {
          if (count === null) return; // swallowed, as everything else
          continue;
        }
        if (count === null) break;
        for (let sent = 0; sent < count;) {
          sent += await to.write(buffer.subarray(sent, count));
        }
      }
    } catch (error) {
      if (!isClosed(error)) throw error;
    }
    this.#close(from);
    this.#close(to);
  }

  #close(conn: Deno.Conn): void {
    if (this.#open.delete(conn)) conn.close();
  }
}

/** One side ended it, or we did. */
function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.NotConnected;
}
