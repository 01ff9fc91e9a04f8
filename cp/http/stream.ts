import { TransporterError } from "@transporter/sdk";
import { unknownEvent } from "../unknown.ts";
import { EVENT_FILTERS } from "./events.ts";
import { Follower, type Messages } from "./follower.ts";
import type { Route, RouteRequest } from "./route.ts";
import type { Services } from "./services.ts";
import { sseResponse } from "./sse.ts";

/** Streams that may be open at a time; each costs a connection and a look at the store per change. */
const STREAMS_MAX = 1000;

function lastIdOf({ query, header }: RouteRequest): number | undefined {
  const text = header("last-event-id") ?? query.text("last_event_id");
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new TransporterError(
    "invalid",
    `Cannot go on after change "${
      text.slice(0, 40)
    }": it must be the id of a message of this stream`,
    { details: { field: "last_event_id" } },
  );
}

/** The route that follows changes. */
export function streamRoute(services: Services): Route {
  const { store, tenant, changes, clock, stopping, metrics, log } = services;
  let open = 0;

  async function* counted(messages: Messages): Messages {
    metrics.streamsOpen(1);
    open++;
    try {
      yield* messages;
    } catch (error) {
      // The reader comes back and goes on where it was.
      log.warn("Stream of changes broke", { error });
    } finally {
      open--;
      metrics.streamsOpen(-1);
    }
  }

  return {
    method: "GET",
    path: "/v2/stream",
    id: "streamChanges",
    tag: "events",
    summary: "Follows what happens to events, as server-sent events",
    query: [
      ...EVENT_FILTERS,
      {
        name: "event",
        description: "Only changes of this event, with its whole history first",
        schema: { type: "string" },
      },
      {
        name: "last_event_id",
        description:
          "Goes on after the change with this id, as the header Last-Event-ID does",
        schema: { type: "integer", minimum: 0 },
      },
    ],
    headers: [{
      name: "Last-Event-ID",
      description: "Goes on after the change with this id",
    }],
    answers: {
      200: {
        description:
          "Messages named status (data: StreamEntry), ready (all before it is told) and " +
          "reset (what follows is not all that happened, but where events are now)",
        content: { "text/event-stream": "StreamEntry" },
      },
    },
    errors: [
      "unknown_field",
      "invalid",
      "unknown_event",
      "slow_down",
      "store_unavailable",
    ],
    async handle(request) {
      const { query } = request;
      const lastId = lastIdOf(request);
      const filter = {
        agent: query.text("agent"),
        event: query.text("event"),
        states: query.states(),
      };
      if (
        filter.event !== undefined &&
        await store.getEvent(tenant, filter.event) === undefined
      ) {
        throw unknownEvent(filter.event);
      }
      if (open >= STREAMS_MAX) {
        throw new TransporterError(
          "slow_down",
          `Cannot open more than ${STREAMS_MAX} streams at a time`,
        );
      }
      const gone = new AbortController();
      const signal = AbortSignal.any([
        ...[stopping, gone.signal, changes.unbroken],
      ]);
      const follower = new Follower(services, filter, signal);
      return sseResponse(counted(follower.follow(lastId)), {
        clock,
        drop: () => request.drop(),
        over: () => gone.abort(),
      });
    },
  };
}
