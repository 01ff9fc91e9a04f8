/** Bytes of a request to be connected; ours are far shorter. */
const REQUEST_BYTES_MAX = 16 * 1024;

/** Where a server listens. */
export interface Target {
  /** The host, an IPv6 address without brackets. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads what an HTTP client says before it wants to be connected; whether it says CONNECT. */
async function readsConnect(near: Deno.Conn): Promise<boolean> {
  const buffer = new Uint8Array(REQUEST_BYTES_MAX);
  let length = 0;
  while (length < buffer.length) {
    const count = await near.read(buffer.subarray(length));
    if (count === null) return false;
    length += count;
    const text = decoder.decode(buffer.subarray(0, length));
    if (text.endsWith("\r\n\r\n")) return text.startsWith("CONNECT ");
  }
  return false;
}

/**
 * A proxy on the loopback interface that connects whoever asks to one server,
 * by whatever name it asks. The runtime takes the name that a certificate has
 * to have from the address alone; through this, the address can be that name
 * while the connection goes elsewhere. It sees what TLS lets it: nothing.
 */
export class Relay implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: Target;
  readonly #open = new Set<Deno.Conn>();
  #isOpen = true;

  /** Begins to listen; dispose it when nobody needs it any more. */
  constructor(target: Target) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    // It cannot accept, as when files have run out: who needs one makes another.
    this.#accept().catch(() => this[Symbol.dispose]());
  }

  /** Whether it still listens. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Ends it, and all that goes through it. Idempotent. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#listener.close();
    for (const connection of this.#open) this.#end(connection);
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      this.#open.add(near);
      // Whoever asked sees an error as a connection that ends.
      this.#join(near).catch(() => this.#end(near));
    }
  }

  async #join(near: Deno.Conn): Promise<void> {
    if (!await readsConnect(near)) return this.#end(near);
    const far = await Deno.connect(this.#target);
    if (!this.#open.has(near)) return far.close();
    this.#open.add(far);
    await near.write(encoder.encode("HTTP/1.1 200 OK\r\n\r\n"));
    await Promise.allSettled([
      near.readable.pipeTo(far.writable),
      far.readable.pipeTo(near.writable),
    ]);
    this.#end(near);
    this.#end(far);
  }

  #end(connection: Deno.Conn): void {
    if (!this.#open.delete(connection)) return;
    try {
      connection.close();
    } catch (error) {
      // Its streams have closed it already.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}
