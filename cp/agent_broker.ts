import {
  checkUser,
  type Clock,
  isRecord,
  type Logger,
  MESSAGE_BYTES_MAX,
  parseJson,
  type Rng,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import { isLoopback } from "./config.ts";

/** How the broker of agents is seen now. */
export interface BrokerState {
  /** The servers, without what is secret in their URLs. */
  readonly urls: readonly string[];
  /** Why it is of no use now; absent when it is. */
  readonly error?: string;
  /** How many agents have a wire over it. */
  readonly wires: number;
}

/** Agents that come over a server for messages, until it is disposed. */
export interface AgentBroker extends AsyncDisposable {
  /** How it is now; `undefined` where none is used. */
  state(): BrokerState | undefined;
}

/** Options of {@linkcode openAgentBroker}. */
export interface AgentBrokerOptions {
  /** The `agentBroker` setting; empty where none is used. */
  readonly urls: readonly string[];
  /** Whose agents. */
  readonly tenant: string;
  /** Takes over the wire of an agent. */
  readonly serve: (wire: Wire, remote: string) => Promise<void>;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** For what happens. */
  readonly log: Logger;
}

/**
 * Reads the `agentBroker` setting. Without access control of our own it is the
 * broker that lets agents in, so that one on another machine has to ask who is
 * there: for the control plane's own credentials, to begin with.
 *
 * @throws {TransporterError} `usage`.
 */
export async function readBrokers(texts: readonly string[]): Promise<URL[]> {
  const { isNatsUrl, showNatsUrl } = await import("@transporter/sdk/nats");
  return texts.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !isNatsUrl(url) || url.hostname === "") {
      throw new TransporterError(
        "usage",
        'Cannot use what --agent-broker names: it must be a URL such as "nats://broker:4222", "tls://…", "nats+ws://…" or "nats+wss://…"',
      );
    }
    checkUser(url);
    const isKnown = url.username !== "" ||
      ["creds", "nkey", "token_file", "cert"].some((name) =>
        url.searchParams.has(name)
      );
    if (!isLoopback(url.hostname.replace(/^\[|\]$/g, "")) && !isKnown) {
      throw new TransporterError(
        "usage",
        `Cannot serve agents over "${
          showNatsUrl(url)
        }" without credentials: on another machine it is the broker that lets agents in, see docs/nats.md`,
      );
    }
    return url;
  });
}

/**
 * Serves agents over NATS. Whether a server is there shows in the state: one
 * that is not is tried again for ever.
 *
 * @param options Where, and who takes the wires.
 * @throws {TransporterError} `usage` for what is no URL of a server.
 */
export async function openAgentBroker(
  options: AgentBrokerOptions,
): Promise<AgentBroker> {
  if (options.urls.length === 0) {
    return {
      state: () => undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const urls = await readBrokers(options.urls);
  const { NatsAgents, showNatsUrl } = await import("@transporter/sdk/nats");
  const { serve, ...rest } = options;
  const agents = new NatsAgents({
    ...rest,
    urls,
    frameBytesMax: MESSAGE_BYTES_MAX,
    serve: (wire, { agent, remote }) => serve(ownWire(wire, agent), remote),
  });
  return {
    state() {
      const { fault, open } = agents;
      return {
        urls: urls.map(showNatsUrl),
        ...(fault === undefined ? {} : { error: fault.message }),
        wires: open,
      };
    },
    [Symbol.asyncDispose]: () => agents[Symbol.asyncDispose](),
  };
}

/**
 * The same wire, whose first frame registers no other agent than the one whose
 * subject it came by: what the broker lets an agent publish to is who it is.
 */
export function ownWire(wire: Wire, agent: string): Wire {
  async function* frames(): AsyncGenerator<string> {
    let first = true;
    for await (const text of wire.frames) {
      if (first && idOf(text) !== agent) {
        throw new TransporterError(
          "denied",
          `Cannot register another agent than "${agent}" here: over a broker, an agent is who its subject says`,
        );
      }
      first = false;
      yield text;
    }
  }
  return {
    frames: frames(),
    send: (frame) => wire.send(frame),
    close: (reason) => wire.close(reason),
  };
}

function idOf(text: string): unknown {
  try {
    const value = parseJson(text);
    return isRecord(value) ? value["id"] : undefined;
  } catch {
    return undefined;
  }
}
