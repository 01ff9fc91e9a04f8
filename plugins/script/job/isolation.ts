import { type Clock, type Logger, TransporterError } from "@transporter/sdk";
import type { Config } from "../config.ts";
import { type Found, type Network, probe } from "./probe.ts";
import type { JobRunner } from "./runner.ts";
import type { JobContext } from "./start.ts";

/** How long the Pods that find out may take, in milliseconds. */
const PROBE_MS_MAX = 150_000;

/** How long is believed what they found, in milliseconds. */
const KNOWN_MS = 3_600_000;

/** How long is believed that nothing could be found, in milliseconds. */
const UNKNOWN_MS = 60_000;

/** How long the end of these Pods is waited for when the agent stops, in milliseconds: their cluster may be away. */
const END_MS_MAX = 5_000;

/** Options of {@linkcode Isolation}. */
export interface IsolationOptions {
  /** What runs Pods. */
  readonly runner: JobRunner;
  /** The image that they are tried with. */
  readonly image: (signal: AbortSignal) => Promise<string>;
  /** The namespace that they are in. */
  readonly namespace: string;
  /** What is done where nothing holds them. */
  readonly policy: NonNullable<Config["job"]>["network_policy"];
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
}

/** How a script is run. */
export interface Terms {
  /** Whether its Pod has users of its own. */
  readonly ownUsers: boolean;
  /** Whether it waits until it is kept from the network. */
  readonly held: boolean;
  /** What people should know. */
  readonly warnings: readonly string[];
}

/** Knows how far the Pods of scripts are kept from the rest of the cluster, as it was tried. */
export class Isolation implements AsyncDisposable {
  readonly #options: IsolationOptions;
  readonly #over = new AbortController();
  #found: Promise<Found> | undefined;
  #until = -Infinity;

  /** Makes one that knows nothing. */
  constructor(options: IsolationOptions) {
    this.#options = options;
  }

  /** Begins to find out, so that the first script need not wait for it. */
  begin(): void {
    if (this.#options.policy !== "ignore") this.#known();
  }

  /**
   * How a script is run.
   *
   * @throws {TransporterError} `denied` when its Pod has to be kept from the network, and is not; the signal's reason.
   */
  async terms(signal: AbortSignal): Promise<Terms> {
    const { policy, namespace } = this.#options;
    if (policy === "ignore") {
      return { ownUsers: false, held: false, warnings: [] };
    }
    const stopped = Promise.withResolvers<never>();
    const stop = () => stopped.reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const { network, ownUsers } = await Promise.race([
      this.#known(),
      stopped.promise,
    ]).finally(() => signal.removeEventListener("abort", stop));
    if (network.kind === "held") {
      return { ownUsers, held: network.late, warnings: [] };
    }
    const fault = faultOf(network, namespace);
    if (policy === "mark") return { ownUsers, held: false, warnings: [fault] };
    throw new TransporterError(
      "denied",
      `Cannot run the script as its Pod has to be kept from the network (--script-network-policy require): ${fault}`,
    );
  }

  #known(): Promise<Found> {
    const now = this.#options.clock.monotonic();
    if (this.#found !== undefined && now < this.#until) return this.#found;
    this.#until = Infinity; // while it is being found
    return this.#found = this.#find();
  }

  async #find(): Promise<Found> {
    const { runner, image, clock, log, namespace } = this.#options;
    const context: JobContext = {
      signal: this.#over.signal,
      deadline: clock.now() + PROBE_MS_MAX,
      log,
      output() {},
      report: () => Promise.resolve(),
    };
    const id = `network probe ${crypto.randomUUID()}`;
    let found: Found;
    try {
      const spec = {
        id,
        image: await image(context.signal),
        timeoutMs: PROBE_MS_MAX,
      };
      found = await probe(runner, spec, context);
    } catch (error) {
      const { message } = TransporterError.from(error);
      const why = `no Pod could try it: ${message}`;
      found = { network: { kind: "unknown", why }, ownUsers: false };
    }
    const { network, ownUsers } = found;
    const isKnown = network.kind !== "unknown";
    this.#until = clock.monotonic() + (isKnown ? KNOWN_MS : UNKNOWN_MS);
    if (this.#over.signal.aborted) return found;
    const fields = { namespace, ownUsers };
    if (network.kind === "held") {
      const { late } = network;
      log.info("Pods of scripts are kept from the network", {
        ...fields,
        late,
      });
    } else log.warn(faultOf(network, namespace), fields);
    return found;
  }

  /** Gives up what is being found. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new TransporterError("cancelled", "The agent stops"));
    const gone = new AbortController();
    const late = this.#options.clock.sleep(END_MS_MAX, { signal: gone.signal })
      .catch(() => {}); // the Pods are gone
    await Promise.race([this.#found, late]);
    gone.abort();
  }
}

function faultOf(
  network: Exclude<Network, { readonly kind: "held" }>,
  namespace: string,
): string {
  return network.kind === "open"
    ? `The Pods of scripts are not kept from the network: one in "${namespace}" reached ${network.reached}, so nothing keeps to its NetworkPolicy, or it has none`
    : `It is not known whether the Pods of scripts in "${namespace}" are kept from the network: ${network.why}`;
}
