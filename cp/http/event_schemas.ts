import {
  ERROR_CODES,
  type ErrorBody,
  type ErrorCode,
  type EventHead,
  type EventResult,
  type EventView,
  type HistoryEntry,
  type ObjectProgress,
  type Phase,
  PHASES,
  type ResourceStatus,
  type State,
  STATES,
  type StreamStatus,
} from "@transporter/sdk";
import * as v from "valibot";

/** A text with a word about it. */
export function text(description: string): v.GenericSchema<string> {
  return v.pipe(v.string(), v.description(description));
}

/** A natural number with a word about it. */
export function count(description: string): v.GenericSchema<number> {
  return v.pipe(
    v.number(),
    v.integer(),
    v.minValue(0),
    v.description(description),
  );
}

/** A time with a word about it. */
export function time(description: string): v.GenericSchema<string> {
  return v.pipe(
    v.string(),
    v.isoTimestamp(),
    v.description(`${description}, RFC 3339`),
  );
}

/** May be absent. */
export function optional<S extends v.GenericSchema>(schema: S) {
  return v.exactOptional(schema);
}

/** An object of texts. */
export const texts = v.record(v.string(), v.string());
/** Any object. */
export const anything = v.record(v.string(), v.unknown());

/** Where an event is. */
export const state: v.GenericSchema<State> = v.pipe(
  v.picklist(STATES),
  v.description("Where an event is in its life"),
);

/** What an agent does with it. */
export const phase: v.GenericSchema<Phase> = v.pipe(
  v.picklist(PHASES),
  v.description("What the agent does, or did last, with an event"),
);

/** Every code there is. */
export const codes = Object.keys(ERROR_CODES) as ErrorCode[];

/** An error inside of something else. */
export const errorBody: v.GenericSchema<ErrorBody> = v.strictObject({
  code: v.pipe(v.picklist(codes), v.description("What programs act on")),
  message: text("One sentence for people"),
  details: optional(anything),
});

/** A duration as a producer may write it, with a word about it. */
function duration(description: string): v.GenericSchema<number | string> {
  return v.pipe(
    v.union([v.number(), v.string()]),
    v.description(`${description}: nanoseconds, or such as 24h`),
  );
}

/** When a failed attempt is followed by another. */
const retry = {
  max_attempts: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1),
    v.maxValue(20),
    v.description("How many attempts there are at most; by default 3"),
  ),
  initial_delay: count("How long the second attempt waits, in nanoseconds"),
  max_delay: count("How long any attempt waits, in nanoseconds"),
  multiplier: v.pipe(
    v.number(),
    v.minValue(1),
    v.maxValue(100),
    v.description("How many times longer each wait is; by default 2"),
  ),
  on: v.pipe(
    v.array(v.string()),
    v.description("Codes of failures that are tried again"),
  ),
};

/** What an event's body has besides its payload; its limits are checked where it is read (sdk/event_input.ts). */
const head = {
  id: text('Unique: 1 to 128 of A-Z a-z 0-9 . _ : -, not "." or ".."'),
  type: text("Which executor runs it, such as k8s_resource"),
  target_agent: text("The id of the agent that runs it"),
  created_at: text("When the producer made it, RFC 3339"),
  created_by: text("Who the producer says it is"),
  ttl: count("How long it may take, in nanoseconds"),
  priority: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(0),
    v.maxValue(9),
    v.description("Higher is released first"),
  ),
  labels: texts,
  metadata: optional(texts),
  not_before: optional(time("No attempt starts before")),
  concurrency_key: optional(
    text("Events of one agent that share it run one after the other"),
  ),
  retry: optional(v.strictObject(retry)),
  timeout: optional(count("How long one attempt may take, in nanoseconds")),
  supersedes: optional(
    text("The event of the same agent that is cancelled if it has not started"),
  ),
  batch_id: optional(text("What the events of one request have in common")),
  traceparent: optional(text("The trace it belongs to, W3C")),
};

/** What a producer sends: only three fields are needed on /v2. */
export const eventInput: v.GenericSchema = v.strictObject({
  ...head,
  id: optional(head.id),
  payload: v.pipe(anything, v.description("What is asked of the executor")),
  created_at: optional(head.created_at),
  created_by: optional(head.created_by),
  ttl: v.exactOptional(
    v.pipe(
      v.union([v.number(), v.string()]),
      v.description(
        "Nanoseconds, or a duration such as 24h (the default); at most 30 days",
      ),
    ),
  ),
  priority: optional(head.priority),
  labels: optional(head.labels),
  retry: optional(v.strictObject({
    max_attempts: optional(retry.max_attempts),
    initial_delay: optional(
      duration("How long the second attempt waits; by default 1s"),
    ),
    max_delay: optional(duration("How long any waits; by default 5m")),
    multiplier: optional(retry.multiplier),
    on: optional(retry.on),
  })),
  timeout: optional(
    duration("How long one attempt may take; by default until the deadline"),
  ),
});

/** What became of an object. */
const resource: v.GenericSchema<ResourceStatus> = v.objectWithRest({
  kind: v.string(),
  name: v.string(),
  namespace: v.string(),
  api_version: v.string(),
  status: text("created, configured, unchanged, failed, not_attempted, …"),
  message: v.string(),
  uid: optional(text("The object's uid, where it is known")),
  resource_version: optional(
    text("Its resourceVersion after the attempt, where it is known"),
  ),
  duration: optional(
    count("How long was worked on it, in nanoseconds"),
  ),
  ready_after: optional(
    count("How long after that it was seen ready, in nanoseconds"),
  ),
}, v.unknown());

/** What became of an object, or where it is: then there is `since`. */
export const object: v.GenericSchema<ResourceStatus | ObjectProgress> = v
  .objectWithRest({
    kind: v.string(),
    name: v.string(),
    namespace: v.string(),
    api_version: v.string(),
    status: text(
      "What became of it; while the event runs also pending, applying, waiting, ready, …",
    ),
    message: text("For people: why, or what is waited for"),
    since: optional(
      text("While the event runs: since when the status is what it is"),
    ),
  }, v.unknown()) as v.GenericSchema<ResourceStatus | ObjectProgress>;

/** What an attempt led to. */
export const result: v.GenericSchema<EventResult> = v.objectWithRest({
  success: v.boolean(),
  resource_status: optional(v.array(resource)),
  error_message: optional(v.string()),
  completed_at: text("When it was over, RFC 3339"),
  duration: v.pipe(v.number(), v.description("Nanoseconds")),
}, v.unknown());

/** An event as it is shown. */
export const event: v.GenericSchema<EventView> = v.strictObject({
  spec: v.strictObject(
    { ...head, payload: optional(anything) } satisfies Record<
      keyof EventHead | "payload",
      unknown
    >,
  ),
  state,
  phase: optional(phase),
  message: text("The last message"),
  attempt: count("Which attempt; 0 before the first"),
  revision: count("Grows by one with every change"),
  accepted_at: time("When the control plane took responsibility"),
  deadline: time("When it expires"),
  updated_at: time("When it last changed"),
  finished_at: optional(time("When it ended")),
  ready_at: optional(
    time("While it is queued: when it may be released at the earliest"),
  ),
  cancel_requested_at: optional(
    time(
      "When somebody asked to cancel it; it ends as soon as its agent says so",
    ),
  ),
  digest: text("The digest of its body"),
  signed: v.boolean(),
  result: optional(result),
  error: optional(errorBody),
});

const fields = {
  event_id: text("The event"),
  agent_id: text("Who reports it; empty when the control plane does"),
  state,
  phase: optional(phase),
  message: text("For people"),
  log_level: optional(text("info, warning or error")),
  details: optional(v.nullable(anything)),
  result: optional(v.nullable(result)),
  error: optional(errorBody),
  timestamp: text("When it happened, RFC 3339"),
  attempt: optional(count("Which attempt")),
  revision: count("The event's revision with this entry"),
};

/** One thing that happened to an event. */
export const historyEntry: v.GenericSchema<HistoryEntry> = v.strictObject(
  fields,
);

/** The same, in a stream. */
export const streamEntry: v.GenericSchema<StreamStatus> = v.pipe(
  v.strictObject({
    ...fields,
    target_agent: text("The event's target"),
    event_type: text("The event's type"),
  }),
  v.description("The data of a server-sent event named status"),
);
