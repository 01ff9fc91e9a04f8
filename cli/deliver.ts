import {
  type AcceptedBody,
  deadline,
  ERROR_CODES,
  type EventSpec,
  formatDuration,
  TransporterError,
} from "@transporter/sdk";
import type { Client } from "./client.ts";
import type { Invocation } from "./invocation.ts";
import type { Goal } from "./options.ts";
import { failureOf, type Seen, showObjects, summaryLine } from "./outcome.ts";
import { Progress } from "./progress.ts";
import { safe } from "./text.ts";
import { waitFor } from "./wait.ts";

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
      "The control plane keeps events in memory only: they are lost when it stops",
    );
  }
  return { accepted, codes };
}

/** What all the waits of a command have in common. */
interface Waiting {
  readonly client: Client;
  readonly goal: Goal;
  readonly timeoutMs: number | undefined;
  readonly progress: Progress;
}

/** Why a wait ended before its event did. */
function giveUp(
  invocation: Invocation,
  error: unknown,
  options: { readonly id: string; readonly timeoutMs: number | undefined },
): number {
  const { id, timeoutMs } = options;
  const look = `it goes on, and "transporter describe event ${id}" shows it`;
  if (invocation.host.signal.aborted) {
    invocation.host.stderr.write(
      `Stopped waiting for event "${id}": ${look}\n`,
    );
    return ERROR_CODES.timeout.exit;
  }
  const { code } = TransporterError.from(error);
  if (code !== "timeout" || timeoutMs === undefined) {
    return invocation.fail(error);
  }
  const waited = formatDuration(timeoutMs * 1e6);
  return invocation.fail(
    new TransporterError(
      "timeout",
      `Event "${id}" is not over after ${waited}: ${look}`,
    ),
  );
}

/** Waits for one event; what it threw is shown at once. */
async function waitOne(
  invocation: Invocation,
  accepted: Accepted,
  waiting: Waiting,
): Promise<Seen | number> {
  const { client, goal, timeoutMs, progress } = waiting;
  const agent = accepted.draft.target_agent;
  const id = accepted.body.event_id;
  try {
    const view = await waitFor(client, id, {
      goal,
      onEntry: (entry) => progress.step(entry, agent),
    });
    return { agent, view };
  } catch (error) {
    progress.clear();
    return giveUp(invocation, error, { id, timeoutMs });
  } finally {
    progress.done();
  }
}

async function waitAll(
  invocation: Invocation,
  accepted: readonly Accepted[],
  options: Omit<Waiting, "progress">,
): Promise<{ seen: Seen[]; codes: number[] }> {
  const { client, timeoutMs } = options;
  const { clock, signal } = invocation.host;
  using limit = timeoutMs === undefined
    ? undefined
    : deadline(clock, timeoutMs, {
      signal,
      reason: new TransporterError("timeout", "Waited long enough"),
    });
  const progress = new Progress(invocation, accepted.length);
  const patient = client.with({
    signal: limit?.signal ?? signal,
    note: (line) => progress.note(line),
  });
  const ends = await Promise.all(
    accepted.map((each) =>
      waitOne(invocation, each, { ...options, client: patient, progress })
    ),
  );
  progress.clear();
  return {
    seen: ends.filter((end) => typeof end !== "number"),
    codes: ends.filter((end) => typeof end === "number"),
  };
}

/** One thing is shown as itself, several as a list, like kubectl. */
function showValues(invocation: Invocation, values: readonly unknown[]): void {
  if (values.length === 0) return;
  invocation.printValue(values.length === 1 ? values[0] : { items: values });
}

/** The worst of several: a failure that is known weighs more than an end that is not. */
function worst(codes: readonly number[]): number {
  return [1, 5, 3, 4, 2].find((code) => codes.includes(code)) ?? 0;
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
  const { goal, timeoutMs } = options;
  const client = await invocation.client();
  const { accepted, codes } = await submitAll(invocation, client, drafts);
  if (goal === undefined) {
    if (invocation.isValue) {
      showValues(invocation, accepted.map(({ body }) => body));
    }
    return worst(codes);
  }
  if (accepted.length === 0) return worst(codes);
  const ends = await waitAll(invocation, accepted, {
    client,
    goal,
    timeoutMs,
  });
  codes.push(...ends.codes);
  if (invocation.isValue) {
    showValues(invocation, ends.seen.map(({ view }) => view));
  }
  if (invocation.isTable) showObjects(invocation, ends.seen);
  for (const seen of ends.seen) {
    const failure = failureOf(seen);
    if (failure !== undefined) codes.push(invocation.fail(failure));
    else if (invocation.isTable) {
      invocation.print(summaryLine(invocation, seen));
    }
  }
  return worst(codes);
}
