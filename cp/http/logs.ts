import type { LogEntry, LogPage } from "@transporter/sdk";
import type { LogRecord } from "../store/store.ts";
import { EVENT_PATH } from "./events.ts";
import { cursorOf, PAGE_PARAMETERS } from "./query.ts";
import { json } from "./answer.ts";
import type { Route } from "./route.ts";
import type { Services } from "./services.ts";

function view({ attempt, stream, off, data, trunc }: LogRecord): LogEntry {
  return { attempt, stream, off, data, truncated: trunc === true };
}

/** The route of what events put out. */
export function logsRoute({ operator, tenant }: Services): Route {
  return {
    method: "GET",
    path: "/v2/events/{id}/logs",
    id: "getEventLogs",
    tag: "events",
    summary:
      "Shows what an event put out, in the order it came; the cursor reads on, also when more comes later",
    parts: EVENT_PATH,
    query: PAGE_PARAMETERS,
    answers: {
      200: {
        description: "A page of the output",
        content: { "application/json": "LogPage" },
      },
    },
    errors: ["unknown_event", "unknown_field", "invalid", "store_unavailable"],
    async handle({ path: { id = "" }, query }) {
      const after = query.cursorNumber() ?? 0;
      const records = await operator.logs(tenant, id, {
        after,
        limit: query.limit(),
      });
      const page: LogPage = {
        items: records.map(view),
        next_cursor: cursorOf(records.at(-1)?.n ?? after),
      };
      return json(page);
    },
  };
}
