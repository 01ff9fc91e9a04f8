import { TransporterError, type Wire } from "../mod.ts";
import {
  AcceptedWire,
  type HttpAcceptorOptions,
  type HttpPatience,
} from "./accepted_wire.ts";
import type { HttpBatch, HttpPush } from "./http_batch.ts";

/**
 * The accepting end of wires over HTTP: whoever serves the routes
 * (docs/restricted_networks.md) hands over what comes, and answers with what it
 * is given.
 */
export class HttpAcceptor implements Disposable {
  readonly #options: HttpAcceptorOptions;
  readonly #wires = new Map<string, AcceptedWire>();
  #stopping = false;

  /** Makes one without wires. */
  constructor(options: HttpAcceptorOptions = {}) {
    this.#options = options;
  }

  /**
   * Opens a wire.
   *
   * @returns The wire, and the name under which the far end uses it: nobody else can guess it.
   * @throws {TransporterError} `slow_down` when too many are open.
   */
  open(): { readonly session: string; readonly wire: Wire } {
    const { wiresMax = 20_000 } = this.#options;
    if (this.#wires.size >= wiresMax) {
      throw new TransporterError(
        "slow_down",
        `Cannot open more than ${wiresMax} wires over HTTP at a time`,
      );
    }
    const session = (this.#options.newSession ?? newSession)();
    const wire = new AcceptedWire(
      this.#options,
      () => this.#wires.delete(session),
    );
    if (this.#stopping) wire.stop();
    this.#wires.set(session, wire);
    return { session, wire };
  }

  /**
   * Waits for frames after a number, which confirms those before. May be asked
   * again when the answer was lost; a later poll ends one that still waits.
   *
   * @throws {TransporterError} `not_found` for a wire that is no longer there, `conflict`, `bad_frame`
   * for a number that does not fit.
   */
  async poll(
    session: string,
    after: number,
    patience: HttpPatience,
  ): Promise<HttpBatch> {
    return await this.#wire(session).poll(after, patience);
  }

  /**
   * The same as one poll after the other, for an answer that has no end: yields
   * what comes, and nothing but its number when that takes too long. What was
   * yielded is kept until a push says that it was received. Ends with the wire,
   * and when somebody else asks.
   *
   * @throws {TransporterError} as `poll` does.
   */
  stream(
    session: string,
    after: number,
    patience: HttpPatience,
  ): AsyncGenerator<HttpBatch & { readonly after: number }, void, undefined> {
    return this.#wire(session).stream(after, patience);
  }

  /**
   * Takes frames. May be repeated when the answer was lost.
   *
   * @throws {TransporterError} `not_found` for a wire that is no longer there, `bad_frame` when frames
   * are missing before these, `slow_down` when nobody reads those before.
   */
  async push(session: string, push: HttpPush): Promise<void> {
    await this.#wire(session).push(push);
  }

  /**
   * Says that nobody can ask again, as the server takes no more connections:
   * from now on a poll is answered when its wire is closed, with all there is.
   */
  stop(): void {
    this.#stopping = true;
    for (const wire of this.#wires.values()) wire.stop();
  }

  /** Drops all wires. */
  [Symbol.dispose](): void {
    for (const wire of this.#wires.values()) wire.over();
  }

  #wire(session: string): AcceptedWire {
    const wire = this.#wires.get(session);
    if (wire !== undefined) return wire;
    throw new TransporterError(
      "not_found",
      "Cannot find the session: it is over, or another control plane's",
    );
  }
}

function newSession(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return bytes.toBase64({ alphabet: "base64url" });
}
