import {
  type AcceptedBody,
  type EventSpec,
  TransporterError,
} from "@transporter/sdk";
import {
  EXIT_DIFFERS,
  showEnds,
  showValues,
  waitAll,
  worst,
} from "./await_ends.ts";
import type { Client } from "./client.ts";
import type { Invocation } from "./invocation.ts";
import type { Goal } from "./goals.ts";
import { differs } from "./object_changes.ts";
import { type Mode, publishAll, refuseWaiting } from "./publish.ts";
import { safe } from "./text.ts";

/** An event that is to be sent: what the control plane does not fill in. */
export type Draft =
  & Pick<EventSpec, "id" | "type" | "target_agent" | "payload">
  & Partial<EventSpec>;

/** How far a command goes with what it sends. */
export interface DeliverOptions {
  /** What to wait for; `undefined`: for nothing. */
  readonly goal: Goal | undefined;
  /** How long to wait, in milliseconds; `undefined`: until the event ends, which it does at its deadline. */
  readonly timeoutMs: number | undefined;
  /** Whether the exit code tells that a comparison found a difference. */
  readonly differenceCounts?: boolean;
  /** Whether to show what the events put out, in place of their progress. */
  readonly logs?: boolean;
  /** How they get there; by default over HTTP. */
  readonly mode?: Mode | undefined;
}

/** An event that was accepted. */
interface Accepted {
  readonly draft: Draft;
  readonly body: AcceptedBody;
}

function acceptedLine({ draft, body }: Accepted): string {
  const agent = safe(draft.target_agent);
  const id = `event/${safe(body.event_id)}`;
  return body.duplicate
    ? `${id} was accepted before (agent ${agent})\n`
    : `${id} accepted (agent ${agent})\n`;
}

/** Sends every event, says what became of each, and goes on after a refusal. */
async function submitAll(
  invocation: Invocation,
  client: Client,
  drafts: readonly Draft[],
): Promise<{ accepted: Accepted[]; codes: number[] }> {
  const accepted: Accepted[] = [];
  const codes: number[] = [];
  for (const draft of drafts) {
    try {
      const each = { draft, body: await client.submit(draft) };
      accepted.push(each);
      if (invocation.format === "name") {
        invocation.print(`event/${safe(each.body.event_id)}\n`);
      } else if (invocation.isTable) invocation.print(acceptedLine(each));
    } catch (error) {
      codes.push(invocation.fail(error));
      // The next would wait as long, and fail the same way.
      const { code } = TransporterError.from(error);
      if (["unavailable", "timeout", "cancelled"].includes(code)) break;
    }
  }
  if (accepted.some(({ body }) => body.durability === "memory")) {
    invocation.note(
      "Nothing says that the control plane has events on disk: they may be lost when it or its store stops",
    );
  }
  return { accepted, codes };
}

/**
 * Sends events, waits for them where asked, and shows what became of them.
 *
 * @param invocation The command.
 * @param drafts The events; ids are made already, so that a retry is safe.
 * @param options Whether to wait.
 * @returns The exit code.
 */
export async function deliver(
  invocation: Invocation,
  drafts: readonly Draft[],
  options: DeliverOptions,
): Promise<number> {
  const { goal, timeoutMs, logs = false, differenceCounts = false } = options;
  if (options.mode === "nats") {
    refuseWaiting(options);
    return await publishAll(invocation, drafts);
  }
  const client = await invocation.client();
  const { accepted, codes } = await submitAll(invocation, client, drafts);
  if (goal === undefined) {
    if (invocation.isValue) {
      showValues(invocation, accepted.map(({ body }) => body));
    }
    return worst(codes);
  }
  if (accepted.length === 0) return worst(codes);
  const events = accepted.map(({ draft, body }) => ({
    id: body.event_id,
    agent: draft.target_agent,
  }));
  const ends = await waitAll(invocation, events, {
    client,
    goal,
    timeoutMs,
    logs,
  });
  codes.push(...ends.codes, ...showEnds(invocation, ends.seen));
  if (differenceCounts && ends.seen.some(differs)) codes.push(EXIT_DIFFERS);
  return worst(codes);
}
