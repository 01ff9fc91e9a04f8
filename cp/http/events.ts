import { STATES } from "@transporter/sdk";
import { unknownEvent } from "../unknown.ts";
import { cursorOf, PAGE_PARAMETERS, type Parameter } from "./query.ts";
import { json } from "./answer.ts";
import type { Route } from "./route.ts";
import type { Services } from "./services.ts";
import { eventView } from "./view.ts";

const JSON_TYPE = "application/json";

/** What of an event can be asked for. */
export const EVENT_FILTERS: readonly Parameter[] = [
  {
    name: "agent",
    description: "Only events for this agent",
    schema: { type: "string" },
  },
  {
    name: "state",
    description: "Only events in one of these states",
    schema: { type: "array", items: { enum: STATES } },
    repeatable: true,
  },
];

function list({ store, tenant, clock }: Services): Route {
  return {
    method: "GET",
    path: "/v2/events",
    id: "listEvents",
    tag: "events",
    summary: "Lists events without their payloads and results, newest first",
    query: [
      ...EVENT_FILTERS,
      {
        name: "type",
        description: "Only events of this type",
        schema: { type: "string" },
      },
      {
        name: "label",
        description: "Only events with all of these labels, each as key=value",
        schema: { type: "array", items: { type: "string" } },
        repeatable: true,
      },
      {
        name: "since",
        description:
          "Only events accepted since: a time (RFC 3339), or how long ago, such as 1h",
        schema: { type: "string" },
      },
      ...PAGE_PARAMETERS,
    ],
    answers: {
      200: {
        description: "A page of events",
        content: { [JSON_TYPE]: "EventPage" },
      },
    },
    errors: ["unknown_field", "invalid", "store_unavailable"],
    async handle({ query }) {
      const limit = query.limit();
      const records = await store.listEvents(tenant, {
        ...defined({
          agent: query.text("agent"),
          states: query.states(),
          type: query.text("type"),
          labels: query.labels(),
          since: query.since(clock.now()),
          before: query.cursorNumber(),
        }),
        limit: limit + 1, // one more says whether there is another page
      });
      const items = records.slice(0, limit);
      const last = items.at(-1);
      return json({
        items: items.map((record) => eventView(record)),
        ...(records.length > limit && last !== undefined
          ? { next_cursor: cursorOf(last.enq) }
          : {}),
      });
    },
  };
}

/** Leaves out what is absent. */
function defined<T extends object>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(values).filter(([, value]) =>
    value !== undefined
  );
  return Object.fromEntries(present) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** The path of one event. */
export const EVENT_PATH = { id: "The event's id" };

function get({ store, tenant }: Services): Route {
  return {
    method: "GET",
    path: "/v2/events/{id}",
    id: "getEvent",
    tag: "events",
    summary: "Shows an event with its payload",
    parts: EVENT_PATH,
    answers: {
      200: { description: "The event", content: { [JSON_TYPE]: "Event" } },
    },
    errors: ["unknown_event", "unknown_field", "store_unavailable"],
    async handle({ path: { id = "" } }) {
      const record = await store.getEvent(tenant, id);
      if (record === undefined) throw unknownEvent(id);
      const spec = await store.getSpec(tenant, id);
      return json(eventView(record, spec?.payload));
    },
  };
}

function history({ store, tenant }: Services): Route {
  return {
    method: "GET",
    path: "/v2/events/{id}/history",
    id: "getEventHistory",
    tag: "events",
    summary: "Shows what happened to an event, oldest first",
    parts: EVENT_PATH,
    query: PAGE_PARAMETERS,
    answers: {
      200: {
        description: "A page of the history",
        content: { [JSON_TYPE]: "EntryPage" },
      },
    },
    errors: ["unknown_event", "unknown_field", "invalid", "store_unavailable"],
    async handle({ path: { id = "" }, query }) {
      const after = query.cursorNumber() ?? -1;
      const limit = query.limit();
      const entries = await store.listHistory(
        tenant,
        id,
      );
      if (entries.length === 0) throw unknownEvent(id);
      const rest = entries.filter(({ revision }) => revision > after);
      const items = rest.slice(0, limit);
      const last = items.at(-1);
      return json({
        items,
        ...(rest.length > limit && last !== undefined
          ? { next_cursor: cursorOf(last.revision) }
          : {}),
      });
    },
  };
}

/** The routes that show events. */
export function eventRoutes(services: Services): readonly Route[] {
  return [list, get, history].map((route) => route(services));
}
