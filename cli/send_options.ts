import {
  type EventKind,
  type EventSpec,
  formatTime,
  isRecord,
  parseDuration,
  parseTime,
  readEvent,
  RETRY_DEFAULT,
  TransporterError,
  ulids,
} from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { DeliverOptions, Draft } from "./deliver.ts";
import type { Host } from "./host.ts";
import { type Goal, goal, GOALS } from "./goals.ts";
import * as read from "./options.ts";
import { type Mode, readMode } from "./publish.ts";

/** What commands take that wait for events. */
export interface WaitFlags {
  /** `--wait`: true without a goal of its own. */
  readonly wait?: true | Goal | undefined;
  /** `--timeout`, in milliseconds. */
  readonly timeout?: number | undefined;
  /** `--mode`. */
  readonly mode?: Mode | undefined;
}

/** What all `send` commands take. */
export interface SendFlags extends WaitFlags {
  /** `--agent`. */
  readonly agent?: readonly string[] | undefined;
  /** `--ttl`, in nanoseconds. */
  readonly ttl?: number | undefined;
  /** `--priority`. */
  readonly priority?: number | undefined;
  /** `--created-by`. */
  readonly createdBy?: string | undefined;
  /** `--label`. */
  readonly label?: Readonly<Record<string, string>> | undefined;
  /** `--id`. */
  readonly id?: string | undefined;
  /** `--not-before`, RFC 3339, or a duration from now. */
  readonly notBefore?: string | undefined;
  /** `--concurrency-key`. */
  readonly concurrencyKey?: string | undefined;
  /** `--max-attempts`. */
  readonly maxAttempts?: number | undefined;
  /** `--retry-delay`, in nanoseconds. */
  readonly retryDelay?: number | undefined;
  /** `--retry-on`. */
  readonly retryOn?: readonly string[] | undefined;
  /** `--attempt-timeout`, in nanoseconds. */
  readonly attemptTimeout?: number | undefined;
  /** `--supersedes`. */
  readonly supersedes?: string | undefined;
}

/** Adds a `send` command with the options that all of them take. */
// deno-lint-ignore explicit-module-boundary-types -- the type is what the options make it
export function addSendCommand(parent: CommandUnknownOpts, name: string) {
  return parent.command(name)
    .option(
      "--agent <ID>",
      "agent that gets it; repeatable: one event each, with a common batch id",
      read.agentIds,
    )
    .option(
      "--ttl <DURATION>",
      "how long it may take from acceptance to end (default: 24h)",
      read.once("--ttl", read.ttl),
    )
    .option(
      "--priority <0..9>",
      "higher ones are released first (default: 0)",
      read.once("--priority", read.integer("--priority", { min: 0, max: 9 })),
    )
    .option(
      "--created-by <NAME>",
      "who made it",
      read.once("--created-by", read.text),
    )
    .option(
      "--label <KEY=VALUE>",
      "for finding it again; repeatable",
      read.labels,
    )
    .option(
      "--id <ID>",
      "its id; sending the same again with the same id is safe (default: a new one)",
      read.once("--id", read.eventId),
    )
    .option(
      "--not-before <TIME>",
      "no attempt starts before: a time (RFC 3339), or a duration from now",
      read.once("--not-before", read.notBefore),
    )
    .option(
      "--concurrency-key <KEY>",
      "events of an agent that share it run one after the other",
      read.once("--concurrency-key", read.text),
    )
    .option(
      "--max-attempts <1..20>",
      "how many attempts there are at most (default: 3)",
      read.once(
        "--max-attempts",
        read.integer("--max-attempts", { min: 1, max: 20 }),
      ),
    )
    .option(
      "--retry-delay <DURATION>",
      "longest pause before the second attempt, twice as long before each further one (default: 1s)",
      read.once("--retry-delay", read.nanoseconds("--retry-delay")),
    )
    .option(
      "--retry-on <CODE>",
      "code after which another attempt follows; repeatable (default: those that pass by themselves)",
      read.codes,
    )
    .option(
      "--attempt-timeout <DURATION>",
      "how long one attempt may take (default: until it expires)",
      read.once("--attempt-timeout", read.nanoseconds("--attempt-timeout")),
    )
    .option(
      "--supersedes <ID>",
      "event of the same agent that is cancelled if it has not started",
      read.once("--supersedes", read.eventId),
    )
    .option(
      "--mode <MODE>",
      "http, or nats: through a NATS server, which --cp-url or TP_URL then names (default: http)",
      read.once("--mode", readMode),
    )
    .option(
      "--wait [GOAL]",
      `follow it until it ends, or until GOAL: ${GOALS.join(", ")}`,
      goal,
    )
    .option(
      "--timeout <DURATION>",
      "wait no longer than that; exit code 5 when it is not over",
      read.once("--timeout", read.milliseconds("--timeout")),
    );
}

function usage(message: string): never {
  throw new TransporterError("usage", message);
}

/**
 * How far a command goes with events.
 *
 * @throws {TransporterError} `usage` for a timeout without a wait.
 */
export function deliverOptions(flags: WaitFlags): DeliverOptions {
  const { wait, timeout, mode } = flags;
  if (wait === undefined && timeout !== undefined) {
    usage("Cannot use --timeout without --wait: there is nothing to wait for");
  }
  return { goal: wait === true ? "completed" : wait, timeoutMs: timeout, mode };
}

/** What an event says of itself, before flags. */
export type Base =
  & Pick<EventSpec, "type" | "payload">
  & Partial<EventSpec>;

/**
 * Makes one event for each agent: flags win over what a file says.
 *
 * @param base What all have in common.
 * @param flags What the command line says.
 * @param host For ids and time.
 * @throws {TransporterError} `usage` when the agents and the id do not fit together.
 */
export function draftsOf(base: Base, flags: SendFlags, host: Host): Draft[] {
  const ids = ulids(() => host.clock.now(), host.rng);
  const agents = flags.agent ??
    (base.target_agent === undefined ? [] : [base.target_agent]);
  const id = flags.id ?? base.id;
  if (agents.length === 0) {
    usage(
      'Cannot send it without an agent: name one with --agent, "transporter get agents" lists them',
    );
  }
  if (agents.length > 1 && id !== undefined) {
    usage(
      `Cannot send the id "${id}" to ${agents.length} agents: each gets an event of its own, ` +
        (flags.id === undefined
          ? "so take the id out of the file"
          : "so leave out --id"),
    );
  }
  // Labels of a file that are no mapping are refused later, as they are.
  const labels = flags.label === undefined || !isRecord(base.labels ?? {})
    ? base.labels
    : { ...base.labels, ...flags.label };
  const common = {
    ...base,
    ...(flags.ttl === undefined ? {} : { ttl: flags.ttl }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
    ...(flags.createdBy === undefined ? {} : { created_by: flags.createdBy }),
    ...deliveryOf(base, flags, host),
    ...(labels === undefined ? {} : { labels }),
    ...(agents.length > 1 ? { batch_id: base.batch_id ?? ids.next() } : {}),
  };
  return agents.map((agent) => ({
    ...common,
    id: id ?? ids.next(),
    target_agent: agent,
  }));
}

/** What flags say about further attempts, on top of what the file says, and of what is usual. */
function policyOf(
  base: Base,
  { maxAttempts, retryDelay, retryOn }: SendFlags,
): EventSpec["retry"] {
  if (
    maxAttempts === undefined && retryDelay === undefined &&
    retryOn === undefined
  ) return base.retry;
  const { max_delay: usual } = RETRY_DEFAULT;
  return {
    ...RETRY_DEFAULT,
    max_delay: Math.max(usual, retryDelay ?? usual),
    ...base.retry,
    ...(maxAttempts === undefined ? {} : { max_attempts: maxAttempts }),
    ...(retryDelay === undefined ? {} : { initial_delay: retryDelay }),
    ...(retryOn === undefined ? {} : { on: retryOn }),
  };
}

/** What flags say about when and how often an event runs. */
function deliveryOf(
  base: Base,
  flags: SendFlags,
  host: Host,
): Partial<EventSpec> {
  const { notBefore, concurrencyKey, attemptTimeout, supersedes } = flags;
  const retry = policyOf(base, flags);
  return {
    ...(notBefore === undefined ? {} : {
      not_before: parseTime(notBefore) === undefined
        ? formatTime(host.clock.now() + parseDuration(notBefore) / 1e6)
        : notBefore,
    }),
    ...(concurrencyKey === undefined
      ? {}
      : { concurrency_key: concurrencyKey }),
    ...(retry === undefined ? {} : { retry }),
    ...(attemptTimeout === undefined ? {} : { timeout: attemptTimeout }),
    ...(supersedes === undefined ? {} : { supersedes }),
  };
}

/**
 * Refuses at once what the control plane would refuse.
 *
 * @param draft The event.
 * @param host For the time, and the kinds of event that ship.
 * @throws {TransporterError} The codes of `readEvent`, and of the kind's `check`.
 */
export async function checkDraft(draft: Draft, host: Host): Promise<void> {
  const { type, payload } = readEvent(draft, {
    api: "v2",
    now: host.clock.now(),
  });
  await kindOf(type, host)?.check(payload);
}

function kindOf(type: string, host: Host): EventKind | undefined {
  return host.kinds.find((kind) => kind.type === type);
}
