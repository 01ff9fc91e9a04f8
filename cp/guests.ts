import {
  type Clock,
  Link,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import { lenient } from "./handshake.ts";
import { type Hello, helloOf } from "./hello.ts";
import { Rounds } from "./rounds.ts";
import type { Session } from "./session.ts";

/** Milliseconds that a wire may stay open without a registration. */
const REGISTRATION_MS_MAX = 10_000;

/** Whoever is at the far end of a wire. Thousands may be, so nothing is made before it is needed. */
export interface Guest {
  /** The wire. */
  readonly wire: Wire;
  /** When it was opened, by the clock's `monotonic`. */
  readonly since: number;
  /** The conversation, once something was said. */
  link?: Link;
  /** The session, once there is one. */
  session?: Session;
  /** Whether it has left. */
  gone: boolean;
}

/** Guests that nobody knows yet. */
export class Strangers {
  readonly #clock: Clock;
  readonly #rounds: Rounds<Guest>;

  /** Makes one without guests. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#rounds = new Rounds({
      clock,
      everyMs: REGISTRATION_MS_MAX,
      look: (guest) => this.#look(guest),
    });
  }

  /**
   * Waits for the registration of a guest, and answers one that cannot be.
   *
   * @returns The registration; `undefined` when the guest has left, or was sent away.
   * @throws {TransporterError} Why the guest is to be turned away.
   */
  async hello(
    guest: Guest,
  ): Promise<Hello & { readonly link: Link } | undefined> {
    this.#rounds.add(guest);
    try {
      const frames = guest.wire.frames[Symbol.asyncIterator]();
      // No function around this: each that waits is kept in memory.
      const first = await frames.next().catch((reason) => broke(guest, reason));
      if (first.done) return undefined;
      const link = this.#begin(guest, first.value, frames);
      const hello = await helloOf(link);
      return hello && { ...hello, link };
    } finally {
      this.#rounds.delete(guest);
    }
  }

  /** Begins the conversation, of which the first frame is there. */
  #begin(guest: Guest, first: string, rest: AsyncIterator<string>): Link {
    const wire = lenient(guest.wire, first, rest);
    const link = new Link(wire, { clock: this.#clock });
    guest.link = link;
    link.closed.then(() => guest.gone = true);
    return link;
  }

  /** Sends whoever does not register away; returns in how many milliseconds to look again. */
  #look({ wire, link, since }: Guest): number {
    const restMs = since + REGISTRATION_MS_MAX - this.#clock.monotonic();
    if (restMs > 0) return restMs;
    (link ?? wire).close(
      new TransporterError(
        "timeout",
        `Cannot wait longer than ${REGISTRATION_MS_MAX} ms for the registration`,
      ),
    );
    return REGISTRATION_MS_MAX;
  }
}

/** The wire broke before anything was said. */
async function broke(
  { wire }: Guest,
  reason: unknown,
): Promise<IteratorReturnResult<undefined>> {
  await wire.close(TransporterError.from(reason));
  return { done: true, value: undefined };
}
