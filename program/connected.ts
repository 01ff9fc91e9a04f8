import { type Clock, deadline, TransporterError } from "@transporter/sdk";

/** Options of {@linkcode untilConnected}. */
export interface UntilConnectedOptions {
  /** Where the control plane is. */
  readonly url: string;
  /** The agent's own run; when it rejects, there is nothing to wait for. */
  readonly running: Promise<void>;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** How long an agent may take to be known by a control plane on the same machine, in milliseconds. */
const CONNECT_MS_MAX = 30_000;

/** Between two looks, in milliseconds. */
const POLL_MS = 20;

/**
 * Waits until a control plane knows an agent as connected.
 *
 * @param agentId The agent.
 * @param options Where, and what else may happen meanwhile.
 * @throws {TransporterError} `timeout` when it takes too long; what the agent's run rejects with; the
 * signal's reason.
 */
export async function untilConnected(
  agentId: string,
  { url, running, clock, signal }: UntilConnectedOptions,
): Promise<void> {
  const failed = new AbortController();
  running.catch((reason) => failed.abort(reason));
  using limit = deadline(clock, CONNECT_MS_MAX, {
    reason: new TransporterError(
      "timeout",
      `Cannot go on as agent "${agentId}" did not connect to ${url} within ${
        CONNECT_MS_MAX / 1000
      } s: its log says why`,
    ),
    signal: AbortSignal.any([signal, failed.signal]),
  });
  const path = `${url}/v2/agents/${encodeURIComponent(agentId)}`;
  while (true) {
    const answer = await fetch(path, { signal: limit.signal });
    const { connected } = await answer.json();
    if (connected === true) return;
    await clock.sleep(POLL_MS, { signal: limit.signal });
  }
}
