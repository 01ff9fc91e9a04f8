import { formatTime, shownUrl, TransporterError } from "@transporter/sdk";
import { showValues, worst } from "./await_ends.ts";
import type { DeliverOptions, Draft } from "./deliver.ts";
import type { Invocation } from "./invocation.ts";
import { safe } from "./text.ts";

/** Whose events they are, until tenants have names. */
const TENANT = "default";

/** How events get to the control plane. */
export type Mode = "http" | "nats";

/**
 * Reads `--mode`.
 *
 * @throws {TransporterError} `usage`.
 */
export function readMode(value: string): Mode {
  if (value === "http" || value === "nats") return value;
  throw new TransporterError(
    "usage",
    value === "memphis"
      ? "Cannot use --mode memphis: there is no Memphis any more; --mode nats sends through NATS JetStream, which takes its place"
      : `Cannot use --mode "${safe(value)}": it must be http or nats`,
  );
}

/** Refuses to wait for what a broker does not tell. */
export function refuseWaiting({ goal }: Pick<DeliverOptions, "goal">): void {
  if (goal === undefined) return;
  throw new TransporterError(
    "usage",
    "Cannot wait for an answer with --mode nats, as a broker gives none: leave out --wait and what needs an answer " +
      '(--logs, --diff, --check, "send policy"), and ask the control plane with "transporter describe event ID"',
  );
}

/**
 * Publishes events to a NATS server, and goes on after one that it refuses.
 *
 * @returns The exit code.
 * @throws {TransporterError} `usage`, and what connecting to the server throws.
 */
export async function publishAll(
  invocation: Invocation,
  drafts: readonly Draft[],
): Promise<number> {
  const { host } = invocation;
  const { url: address } = await invocation.target("nats");
  const url = new URL(address);
  const open = host.publishers[url.protocol.slice(0, -1)];
  if (open === undefined) throw new RangeError(`No way to ${url.protocol}`);
  const { signal, clock } = host;
  await using publisher = await open(url, { signal, tenant: TENANT });
  const published: unknown[] = [];
  const codes: number[] = [];
  for (const draft of drafts) {
    const { id, target_agent: agent } = draft;
    const event = { created_at: formatTime(clock.now()), ...draft };
    try {
      await publisher.publish({
        id,
        headers: { "content-type": "application/json" },
        data: new TextEncoder().encode(JSON.stringify(event)),
      });
    } catch (error) {
      codes.push(invocation.fail(error));
      // The next would fail the same way.
      if (TransporterError.from(error).code === "unavailable") break;
      continue;
    }
    published.push({
      status: "published",
      event_id: id,
      target_agent: agent,
      broker: shownUrl(url),
    });
    if (invocation.format === "name") invocation.print(`event/${safe(id)}\n`);
    else if (invocation.isTable) {
      invocation.print(
        `event/${safe(id)} published (agent ${safe(agent)})\n`,
      );
    }
  }
  if (invocation.isValue) showValues(invocation, published);
  return worst(codes);
}
