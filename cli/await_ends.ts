import {
  deadline,
  ERROR_CODES,
  formatDuration,
  TransporterError,
} from "@transporter/sdk";
import type { Client } from "./client.ts";
import { encode } from "./encode.ts";
import type { Invocation } from "./invocation.ts";
import type { Goal } from "./goals.ts";
import type { LiveList } from "./live_frame.ts";
import { printOutput } from "./logs.ts";
import { rowsOf } from "./objects.ts";
import { failureOf, type Seen, showObjects, summaryLine } from "./outcome.ts";
import { Progress } from "./progress.ts";
import { sarifOf } from "./sarif.ts";
import { waitFor } from "./wait.ts";

/** An event that is waited for. */
export interface Awaited {
  /** Its id. */
  readonly id: string;
  /** The agent it is for. */
  readonly agent: string;
  /** A revision: only what comes after it counts. */
  readonly after?: number;
}

/** What all the waits of a command have in common. */
export interface Waiting {
  /** Where to ask. */
  readonly client: Client;
  /** What to wait for. */
  readonly goal: Goal;
  /** How long to wait, in milliseconds; `undefined`: until the event ends. */
  readonly timeoutMs: number | undefined;
  /** Whether to show what the events put out, in place of their progress. */
  readonly logs?: boolean;
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

/** Where the objects of an event are; what cannot be asked for is not worth an error, as the event goes on. */
async function objectsNow(
  client: Client,
  id: string,
  name: string,
): Promise<LiveList | undefined> {
  try {
    const page = await client.objects(id);
    if (page === undefined) return undefined;
    const { items, total, counts } = page;
    return { rows: rowsOf(items, name), total, counts };
  } catch {
    return undefined; // the next one may come
  }
}

/** Waits for one event; what it threw is shown at once. */
async function waitOne(
  invocation: Invocation,
  { id, agent, after }: Awaited,
  waiting: Waiting & {
    readonly progress: Progress;
    readonly named: "id" | "agent";
  },
): Promise<Seen | number> {
  const { client, goal, timeoutMs, logs, progress, named } = waiting;
  const name = named === "id" ? id : agent;
  try {
    const waited = waitFor(client, id, {
      goal,
      ...(after === undefined ? {} : { after }),
      onEntry(entry) {
        if (!logs) progress.step(entry, name);
      },
      async onProgress() {
        if (logs) return;
        const list = await objectsNow(client, id, name);
        if (list !== undefined) progress.objects(name, list);
      },
    });
    const [view] = await Promise.all([
      waited,
      logs ? printOutput(invocation, client, id) : undefined,
    ]);
    return { agent, view };
  } catch (error) {
    progress.leave();
    return giveUp(invocation, error, { id, timeoutMs });
  } finally {
    progress.done();
  }
}

/**
 * Waits for events side by side, and shows their progress.
 *
 * @param invocation The command.
 * @param events Which.
 * @param waiting How far, and how long.
 * @returns How they ended; and an exit code of each that was not waited for to its end.
 */
export async function waitAll(
  invocation: Invocation,
  events: readonly Awaited[],
  waiting: Waiting,
): Promise<{ seen: Seen[]; codes: number[] }> {
  const { client, timeoutMs } = waiting;
  const { clock, signal } = invocation.host;
  using limit = timeoutMs === undefined
    ? undefined
    : deadline(clock, timeoutMs, {
      signal,
      reason: new TransporterError("timeout", "Waited long enough"),
    });
  // The agent says most to people, where it tells the events apart.
  const agents = new Set(events.map(({ agent }) => agent));
  const named = agents.size === events.length ? "agent" : "id";
  const owner = named === "agent" ? "AGENT" : "EVENT";
  const progress = new Progress(invocation, events.length, owner);
  const patient = client.with({
    signal: limit?.signal ?? signal,
    note: (line) => progress.note(line),
  });
  const shared = { ...waiting, client: patient, progress, named } as const;
  const ends = await Promise.all(
    events.map((each) => waitOne(invocation, each, shared)),
  );
  progress.clear();
  return {
    seen: ends.filter((end) => typeof end !== "number"),
    codes: ends.filter((end) => typeof end === "number"),
  };
}

/** One thing is shown as itself, several as a list, like kubectl. */
export function showValues(
  invocation: Invocation,
  values: readonly unknown[],
): void {
  if (values.length === 0) return;
  invocation.printValue(values.length === 1 ? values[0] : { items: values });
}

/** The exit code of a comparison that found a difference, where it was asked for with `--exit-code`. */
export const EXIT_DIFFERS = 6;

/** The worst of several: a failure that is known weighs more than an end that is not. */
export function worst(codes: readonly number[]): number {
  return [1, 5, 3, 4, 2, EXIT_DIFFERS].find((code) => codes.includes(code)) ??
    0;
}

/**
 * Shows how events ended: results, and an error for each that did not end well.
 *
 * @returns The exit codes of those that did not.
 */
export function showEnds(
  invocation: Invocation,
  seen: readonly Seen[],
): number[] {
  if (invocation.isValue) showValues(invocation, seen.map(({ view }) => view));
  if (invocation.format === "sarif") {
    invocation.print(encode(sarifOf(seen), "json"));
  }
  if (invocation.isTable) showObjects(invocation, seen);
  const codes: number[] = [];
  for (const each of seen) {
    const failure = failureOf(each);
    if (failure !== undefined) codes.push(invocation.fail(failure));
    else if (invocation.isTable) {
      invocation.print(summaryLine(invocation, each));
    }
  }
  return codes;
}
