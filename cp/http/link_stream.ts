import { IN_TIME } from "@transporter/sdk";
import type { HttpBatch } from "@transporter/sdk/http";
import { guardLink, POSITION_PARAMETERS, positionOf } from "./link.ts";
import type { Route } from "./route.ts";
import type { Services } from "./services.ts";
import { type SseMessage, sseResponse } from "./sse.ts";

/** How long a stream may be silent, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

type Batches = AsyncGenerator<
  HttpBatch & { readonly after: number },
  void,
  undefined
>;

/** Starts at once, so that a far end knows that nobody holds the answer back. */
async function* messages(
  batches: Batches,
): AsyncGenerator<readonly SseMessage[], void, undefined> {
  yield [{ comment: "open" }];
  for await (const { after, ...batch } of batches) {
    const { frames, close } = batch;
    yield frames.length === 0 && close === undefined
      ? [{ comment: "still open" }]
      : [{ id: after + frames.length, data: batch }];
  }
}

/** The same as long polls, in one answer. */
export function linkStreamRoute({ acceptor, clock }: Services): Route {
  return {
    method: "GET",
    path: "/v2/link/stream",
    id: "streamLink",
    tag: "link",
    summary:
      "Sends frames to an agent as they come, with the number of the last one as id; Last-Event-ID goes on after that",
    query: POSITION_PARAMETERS,
    headers: [{
      name: "Last-Event-ID",
      description: "The same as after, which it replaces",
    }],
    answers: {
      200: {
        description: "Messages with frames, and a comment every 10 s",
        content: { "text/event-stream": "LinkFrames" },
      },
    },
    errors: [
      "unknown_field",
      "wrong_type",
      "invalid",
      "not_found",
      "conflict",
      "bad_frame",
    ],
    handle(request) {
      guardLink(request);
      const { session, after } = positionOf(request);
      const gone = new AbortController();
      const batches = acceptor.stream(session, after, {
        waitMs: KEEP_ALIVE_MS,
        signal: gone.signal,
      });
      return sseResponse(messages(batches), {
        clock,
        drop: () => request.drop(),
        over: () => gone.abort(IN_TIME),
      });
    },
  };
}
