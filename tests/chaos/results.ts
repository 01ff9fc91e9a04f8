import { CLOUD_EVENT_TELLS, isRecord } from "@transporter/sdk";
import { Webhook } from "standardwebhooks";
import type { Random } from "../sim/random.ts";
import { delay } from "./delay.ts";
import type { Scribe } from "./scribe.ts";

/** The user of the link by which control planes reach whoever is told results. */
export const RESULTS = "results";

/** What requests to it are signed with. */
export const SECRET: string = `whsec_${
  btoa("what a control plane and its hook know")
}`;

/**
 * How many requests it fails, half of them after it has taken what they tell. Each one holds up all
 * results for half a second: with a tenth they would fall behind 33 events a second for ever.
 */
const FAILS = 0.02;

/** Milliseconds that everything gets to be told once it is over. */
const TOLD_MS_MAX = 120_000;

/** A web server that is told how events end, and fails now and then. */
export class Results implements AsyncDisposable {
  /** Events that it was told the end of. */
  readonly told = new Set<string>();
  readonly #scribe: Scribe;
  readonly #random: Random;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Listens on a free port. */
  constructor(scribe: Scribe, random: Random) {
    this.#scribe = scribe;
    this.#random = random;
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => this.#take(request),
    );
  }

  /** Where it listens. */
  get port(): number {
    return this.#server.addr.port;
  }

  async #take(request: Request): Promise<Response> {
    const headers = Object.fromEntries(request.headers);
    const event: unknown = new Webhook(SECRET)
      .verify(await request.text(), headers);
    const failing = this.#random.chance(FAILS);
    // Whoever fails may have taken it: it is told again.
    if (failing && this.#random.chance(0.5)) return failed();
    if (isRecord(event)) this.#write(event);
    return failing ? failed() : new Response(null, { status: 204 });
  }

  #write({ subject, type }: Readonly<Record<string, unknown>>): void {
    const event = String(subject);
    const state = String(type).slice(CLOUD_EVENT_TELLS.length);
    this.#scribe.write({ kind: "told", at: Date.now(), event, state });
    this.told.add(event);
  }

  /** Waits until the ends of these events are told, or they had their time. */
  async wait(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const until = Date.now() + TOLD_MS_MAX;
    while (Date.now() < until && !signal.aborted) {
      if (ids.every((id) => this.told.has(id))) return;
      await delay(100, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function failed(): Response {
  return new Response(null, { status: 500 });
}
