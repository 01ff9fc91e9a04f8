import type {
  ObjectPage,
  ObjectProgress,
  ResourceStatus,
} from "@transporter/sdk";
import type { EventRecord } from "../store/store.ts";
import { unknownEvent } from "../unknown.ts";
import { EVENT_PATH } from "./events.ts";
import { cursorOf, PAGE_PARAMETERS } from "./query.ts";
import { json } from "./answer.ts";
import type { Route } from "./route.ts";
import type { Services } from "./services.ts";

/** The objects of an event: what became of them, or where they are. */
interface Objects {
  readonly items: readonly (ResourceStatus | ObjectProgress)[];
  readonly total: number;
  readonly counts: Readonly<Record<string, number>>;
}

function objectsOf({ result, notes }: EventRecord): Objects {
  const { progress } = notes;
  if (progress !== undefined) return { ...progress, items: progress.objects };
  const items = result?.resource_status ?? [];
  const counts: Record<string, number> = {};
  for (const { status } of items) counts[status] = (counts[status] ?? 0) + 1;
  return { items, total: items.length, counts };
}

function list({ store, tenant }: Services): Route {
  return {
    method: "GET",
    path: "/v2/events/{id}/objects",
    id: "listEventObjects",
    tag: "events",
    summary:
      "Shows what became of the objects of an event, or where they are while it runs",
    parts: EVENT_PATH,
    query: PAGE_PARAMETERS,
    answers: {
      200: {
        description: "A page of objects, in the order of the event",
        content: { "application/json": "ObjectPage" },
      },
    },
    errors: ["unknown_event", "unknown_field", "invalid", "store_unavailable"],
    async handle({ path: { id = "" }, query }) {
      const from = query.cursorNumber() ?? 0;
      const limit = query.limit();
      const record = await store.getEvent(tenant, id);
      if (record === undefined) throw unknownEvent(id);
      const { items, total, counts } = objectsOf(record);
      const next = from + limit;
      const page: ObjectPage = {
        items: items.slice(from, next),
        total,
        counts,
        ...(next < items.length ? { next_cursor: cursorOf(next) } : {}),
      };
      return json(page);
    },
  };
}

/** The route that shows the objects of events. */
export function objectRoutes(services: Services): readonly Route[] {
  return [list(services)];
}
