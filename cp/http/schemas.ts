import type {
  AcceptedBody,
  AgentView,
  LogPage,
  ObjectPage,
  Page,
  ProblemBody,
} from "@transporter/sdk";
import { toJsonSchemaDefs } from "@valibot/to-json-schema";
import * as v from "valibot";
import { durability, figures, health, ready } from "./operation_schemas.ts";
import { cloudEvent, cloudEvents } from "./cloud_event_schemas.ts";
import {
  anything,
  codes,
  count,
  errorBody,
  event,
  eventInput,
  historyEntry,
  object,
  optional,
  phase,
  result,
  state,
  streamEntry,
  text,
  texts,
  time,
} from "./event_schemas.ts";
import { LINK_SCHEMAS } from "./link_schemas.ts";

const problem: v.GenericSchema<ProblemBody> = v.pipe(
  v.strictObject({
    type: text("Names the kind of problem: urn:transporter:error:CODE"),
    title: text("The code in words"),
    status: count("The HTTP status"),
    detail: text("The message, under the name RFC 9457 gives it"),
    instance: optional(text("Names this one answer in the log")),
    code: v.pipe(v.picklist(codes), v.description("What programs act on")),
    message: text("One sentence for people: wanted, found, what to do"),
    details: optional(anything),
  }),
  v.description("Every error, RFC 9457"),
);

const accepted: v.GenericSchema<AcceptedBody> = v.strictObject({
  status: v.literal("accepted"),
  event_id: text("The event's id"),
  message: text("For people"),
  state,
  durability,
  replicated: count("Other stores that have it"),
  agent_known: v.pipe(
    v.boolean(),
    v.description("False when no agent of that id was ever seen"),
  ),
  duplicate: v.pipe(
    v.boolean(),
    v.description("Whether it was accepted before, with the same body"),
  ),
  links: v.strictObject({
    self: text("The event"),
    history: text("What happened to it"),
    stream: text("Its changes as they happen"),
  }),
});

const agent: v.GenericSchema<AgentView> = v.strictObject({
  id: text("Its id"),
  name: text("For people"),
  connected: v.pipe(
    v.boolean(),
    v.description("Whether a session is open now"),
  ),
  replica: optional(
    text(
      "The control plane that has the session, where several share the work",
    ),
  ),
  carrier: optional(v.pipe(
    v.picklist(["websocket", "http", "nats"]),
    v.description("While it is connected: what carries its frames"),
  )),
  cluster_name: text("The cluster it runs in"),
  cluster_provider: text("Such as kind, eks"),
  region: text("Where the cluster is"),
  namespace: text("The namespace it runs in"),
  version: text("The version of its program"),
  link_version: count("The version of the link it speaks"),
  executors: v.array(
    v.strictObject({ type: v.string(), version: v.string() }),
  ),
  capabilities: v.array(v.string()),
  labels: texts,
  paused_at: optional(time("Since when nothing is released to it")),
  generation: count("How many sessions it has opened"),
  seen_at: time("Its last sign of life"),
  created_at: time("When it first registered"),
  open_events: v.pipe(
    v.strictObject({
      created: optional(v.number()),
      queued: optional(v.number()),
      assigned: optional(v.number()),
      in_progress: optional(v.number()),
      completed: optional(v.number()),
      failed: optional(v.number()),
      expired: optional(v.number()),
      cancelled: optional(v.number()),
    }),
    v.description("Events that have not ended, by state"),
  ),
  figures: optional(v.pipe(
    v.strictObject({
      at: time("When it said so"),
      running: optional(count("Events that run")),
      waiting: optional(count("Events that it has and that wait for others")),
      unacknowledged: optional(
        count("Statuses that the control plane has not acknowledged"),
      ),
      journal_bytes: optional(count("The size of its journal")),
      clock_offset_ms: optional(v.pipe(
        v.number(),
        v.integer(),
        v.description(
          "By how much the control plane's clock is ahead of its own",
        ),
      )),
      taking: optional(v.pipe(
        v.boolean(),
        v.description(
          "Whether it takes new events: not while its journal or its disk is full",
        ),
      )),
      types_not_taken: optional(v.pipe(
        v.array(v.string()),
        v.description(
          "Types of events that it does not take now, as it does not see where it would run them",
        ),
      )),
    }),
    v.description("While it is connected: what it says of itself"),
  )),
});

function page<T>(item: v.GenericSchema<T>): v.GenericSchema<Page<T>> {
  return v.strictObject({
    items: v.array(item),
    next_cursor: optional(text("The cursor of the next page")),
  });
}

const line = { line: count("Which line of the request, from 1") };

const batchLine = v.pipe(
  v.union([
    v.intersect([
      v.object(line),
      v.looseObject({ status: v.literal("accepted") }),
    ]),
    v.intersect([v.object(line), v.looseObject({ code: v.string() })]),
  ]),
  v.description(
    "One line of the answer to a batch: its number, and the fields of Accepted or of Problem",
  ),
);

const batchLines = v.pipe(
  v.array(batchLine),
  v.description("The answer to a batch of CloudEvents, in their order"),
);

const logPage: v.GenericSchema<LogPage> = v.strictObject({
  items: v.array(v.strictObject({
    attempt: count("Which attempt"),
    stream: text("Such as stdout"),
    off: count("Where it begins in the stream, in bytes"),
    data: text("The text"),
    truncated: v.pipe(
      v.boolean(),
      v.description("Whether something is missing before it"),
    ),
  })),
  next_cursor: text("Reads on: what there is more, or what comes later"),
});

const objectPage: v.GenericSchema<ObjectPage> = v.strictObject({
  items: v.array(object),
  total: count(
    "How many objects there are; all pages together may have fewer",
  ),
  counts: v.pipe(
    v.record(v.string(), v.number()),
    v.description("How many of them are in which status"),
  ),
  next_cursor: optional(text("Leads to the next page; absent on the last")),
});

const cancelInput = v.strictObject({
  reason: optional(text("Why, for people; the history shows it")),
});

const document = v.pipe(anything, v.description("An OpenAPI 3.1 document"));

/** The shape of everything the API takes and gives, by name. */
export const SCHEMAS = {
  Accepted: accepted,
  Agent: agent,
  AgentPage: page(agent),
  BatchLine: batchLine,
  BatchLines: batchLines,
  CancelInput: cancelInput,
  CloudEvent: cloudEvent,
  CloudEvents: cloudEvents,
  Document: document,
  Entry: historyEntry,
  EntryPage: page(historyEntry),
  ErrorBody: errorBody,
  Event: event,
  EventInput: eventInput,
  EventPage: page(event),
  Figures: figures,
  Health: health,
  Live: v.strictObject({ status: v.literal("live") }),
  ...LINK_SCHEMAS,
  LogPage: logPage,
  ObjectPage: objectPage,
  Phase: phase,
  Problem: problem,
  Ready: ready,
  Result: result,
  State: state,
  StreamEntry: streamEntry,
} as const satisfies Readonly<Record<string, v.GenericSchema>>;

/** The name of a shape. */
export type SchemaName = keyof typeof SCHEMAS;

/** What is given may get more fields one day; what is taken may not have any other. */
const TAKEN: readonly SchemaName[] = [
  "CancelInput",
  "EventInput",
  "LinkOpening",
  "LinkPush",
];

/** The JSON Schemas of all shapes, for an OpenAPI document. */
export function jsonSchemas(): Readonly<Record<string, unknown>> {
  const schemas = toJsonSchemaDefs(SCHEMAS, {
    target: "draft-2020-12",
    errorMode: "ignore",
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      TAKEN.some((taken) => taken === name) ? schema : open(schema),
    ]),
  );
}

function open(schema: unknown): unknown {
  return JSON.parse(
    JSON.stringify(schema),
    (key, value) =>
      key === "additionalProperties" && value === false ? undefined : value,
  );
}
