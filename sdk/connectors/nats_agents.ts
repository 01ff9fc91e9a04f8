import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import {
  type Clock,
  FRAME_BYTES_MAX,
  isAgentId,
  type Logger,
  type Rng,
  TransporterError,
  type Wire,
} from "../mod.ts";
import {
  connectNats,
  flushed,
  lost,
  natsError,
  watchNats,
} from "./nats_connection.ts";
import {
  agentOf,
  type AgentSubjects,
  HEADER_BYTES,
  readParcel,
  registrations,
  subjectsOf,
  writeParcel,
} from "./nats_subjects.ts";
import { gathersOf, type Opening, refuse } from "./nats_request.ts";
import { Stored } from "./nats_stored.ts";
import { openManager, openStream, renewConsumer } from "./nats_stream.ts";
import { Turns } from "./nats_turns.ts";
import { showNatsUrl } from "./nats_url.ts";
import { type NatsTimes, NatsWire, unavailable } from "./nats_wire.ts";

/** Options of {@linkcode NatsAgents.open}. */
export interface NatsAgentsOptions extends NatsTimes {
  /** The servers, tried in turn. */
  readonly urls: readonly URL[];
  /** Whose agents. */
  readonly tenant: string;
  /** The longest frame that an agent may send, in bytes. */
  readonly frameBytesMax: number;
  /** Takes over the wire of an agent, which may be no other's; resolves when it is over, never rejects. */
  readonly serve: (
    wire: Wire,
    from: { readonly agent: string; readonly remote: string },
  ) => Promise<void>;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** For what happens. */
  readonly log: Logger;
}

/** Agents that are let in at a time: each takes the server a few requests. */
const AT_ONCE = 64;

/** Agents that may wait for that; what waits for longer than they do is in vain. */
const OPENING_MAX = 4096;

/** How long an agent waits for its answer, in milliseconds. */
const ANSWER_MS_MAX = 10_000;

/** How long the server is left alone after it was lost, in milliseconds; and a random time of the same length. */
const AGAIN_MS = 500;

interface Broker {
  readonly url: URL;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stored: Stored;
}

/**
 * Serves agents over NATS, as long as there is a server: a connection that is
 * lost ends its wires, and is made again. Disposing it ends that; wires that
 * are still open lose their connection then.
 */
export class NatsAgents implements AsyncDisposable {
  readonly #options: NatsAgentsOptions;
  readonly #over = new AbortController();
  readonly #opening = new Set<string>();
  readonly #turns = new Turns(AT_ONCE);
  readonly #wires = new Set<NatsWire>();
  readonly #running: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  #fault: TransporterError | undefined = new TransporterError(
    "unavailable",
    "Cannot serve agents over NATS yet as it is not connected",
  );

  /** Begins to serve; a server that is not there is tried again until it is. */
  constructor(options: NatsAgentsOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Why agents are not served now; `undefined` when they are. */
  get fault(): TransporterError | undefined {
    return this.#fault;
  }

  /** Resolves when agents are served for the first time, or it was stopped before. */
  ready(): Promise<void> {
    return Promise.race([this.#ready.promise, this.#running]);
  }

  /** How many wires are open. */
  get open(): number {
    return this.#wires.size;
  }

  /** Stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new TransporterError("cancelled", "Stopped as asked"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { urls, clock, rng } = this.#options;
    const { signal } = this.#over;
    for (let turn = 0; !signal.aborted; turn++) {
      const url = urls[turn % urls.length];
      if (url === undefined) throw new RangeError("Cannot serve without a URL");
      try {
        this.#failed(url, await this.#hold(url));
      } catch (reason) {
        this.#failed(url, natsError(reason, url));
      }
      const ms = AGAIN_MS * (1 + rng.next());
      await clock.sleep(ms, { signal }).catch(() => {}); // the loop sees that it is over
    }
  }

  /** Says it once, however often it is tried. */
  #failed(url: URL, error: TransporterError): void {
    const isNew = error.message !== this.#fault?.message;
    this.#fault = error;
    if (!isNew || this.#over.signal.aborted) return;
    this.#options.log.warn("Agents are not served over NATS", {
      url: showNatsUrl(url),
      error,
    });
  }

  /** Serves over one connection until it ends; resolves with why. */
  async #hold(url: URL): Promise<TransporterError> {
    const { log } = this.#options;
    const { signal } = this.#over;
    const connection = await connectNats(url, {
      signal,
      name: "transporter control plane",
    });
    const end = () => flushed(connection).then(() => connection.close());
    try {
      const broker = await this.#prepare(connection, url);
      let refused: Error | undefined;
      connection.subscribe(registrations(this.#options.tenant), {
        queue: "control-planes",
        callback: (error, message) => {
          if (error === null) this.#take(message, broker);
          else refused = error;
        },
      });
      await connection.flush();
      if (refused !== undefined) throw refused;
      this.#fault = undefined;
      this.#ready.resolve();
      log.info("Agents are served over NATS", { url: showNatsUrl(url) });
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
      watchNats(
        connection,
        (error) =>
          log.warn("NATS refuses something", { error: natsError(error, url) }),
      );
      return await lost(connection, url);
    } finally {
      signal.removeEventListener("abort", end);
      await connection.close();
      const error = unavailable(
        "the control plane lost its connection to NATS",
      );
      for (const wire of this.#wires) wire.ended(error);
    }
  }

  /** Sees to it that the server can carry frames, and has the stream. */
  async #prepare(connection: NatsConnection, url: URL): Promise<Broker> {
    const bytes = connection.info?.max_payload ?? 0;
    if (bytes < FRAME_BYTES_MAX + HEADER_BYTES) {
      throw new TransporterError(
        "unavailable",
        `Cannot serve agents over NATS as its "max_payload" of ${bytes} bytes is too small: set it to 1MB or more`,
      );
    }
    const manager = await openManager(connection, url);
    await openStream(manager, this.#options.tenant);
    return { url, connection, manager, stored: new Stored(connection) };
  }

  /** Answers a request for a session. */
  #take(message: Msg, broker: Broker): void {
    const { tenant, log } = this.#options;
    const agent = agentOf(message.subject);
    const subjects = subjectsOf(tenant, agent);
    // What is answered goes out with the rights of the control plane: only to the agent itself.
    if (!isAgentId(agent) || !message.reply?.startsWith(`${subjects.inbox}.`)) {
      log.warn(
        "A request for a session is not answered as it names no inbox of its agent",
        {
          subject: message.subject,
        },
      );
      return;
    }
    const busy = this.#opening.has(agent) || this.#opening.size >= OPENING_MAX;
    if (busy) {
      return refuse(
        message,
        new TransporterError(
          "slow_down",
          "Cannot take more agents at a time, come back later",
        ),
      );
    }
    this.#opening.add(agent);
    const { clock } = this.#options;
    const until = clock.monotonic() + ANSWER_MS_MAX;
    this.#turns.run(async () => {
      if (clock.monotonic() > until) return; // it asks anew
      await this.#open(message, { agent, subjects, broker });
    })
      .catch((reason) => {
        const error = natsError(reason, broker.url);
        log.warn("Agent gets no session over NATS", { agent, error });
        refuse(
          message,
          unavailable("the control plane cannot prepare a session now"),
        );
      })
      .finally(() => this.#opening.delete(agent));
  }

  async #open(message: Msg, { agent, subjects, broker }: {
    readonly agent: string;
    readonly subjects: AgentSubjects;
    readonly broker: Broker;
  }): Promise<void> {
    const { connection, manager, url } = broker;
    await renewConsumer(manager, subjects);
    const session = crypto.randomUUID();
    const gathers = gathersOf(message);
    const wire = this.#wire({ session, gathers, subjects }, broker);
    if (connection.isClosed()) return;
    message.respond(JSON.stringify({ session, gathers }));
    this.#wires.add(wire);
    const { serve } = this.#options;
    serve(wire, { agent, remote: showNatsUrl(url) })
      .finally(() => this.#wires.delete(wire));
  }

  /** The control plane's end. */
  #wire(
    { session, gathers, subjects }: Opening,
    { connection, stored, url }: Broker,
  ): NatsWire {
    const { frameBytesMax, ...times } = this.#options;
    const wire = new NatsWire({
      ...times,
      frameBytesMax,
      gathers,
      sendBytesMax: (connection.info?.max_payload ?? 0) - HEADER_BYTES,
      carrier: {
        publish(parcel, data) {
          connection.publish(subjects.down, data, {
            headers: writeParcel(session, parcel),
            reply,
          });
        },
        async release() {
          subscription.unsubscribe();
          await flushed(connection);
          stored.end(session);
        },
      },
    });
    const reply = stored.begin(session, (error) => wire.ended(error));
    const subscription = connection.subscribe(subjects.up, {
      callback(error, { headers, data }) {
        if (error !== null) return wire.ended(natsError(error, url));
        const parcel = readParcel(session, headers);
        if (parcel !== undefined) wire.receive(parcel, data);
      },
    });
    return wire;
  }
}
