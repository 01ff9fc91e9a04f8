import type { Clock } from "@transporter/sdk";
import type { Answer, BodyParts } from "./answer.ts";
import { Silence } from "./silence.ts";

/** How long a reader may take for what it was sent, in milliseconds. */
export const STALL_MS = 30_000;

/** One message of a stream of server-sent events. @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html} */
export interface SseMessage {
  /** Its name; without one there is no data either, and nobody is told. */
  readonly event?: string;
  /** Where a reader that comes back goes on. */
  readonly id?: number;
  /** Sent as JSON. */
  readonly data?: unknown;
  /** For nobody; keeps connections from being taken for dead. */
  readonly comment?: string;
}

/** Writes a message. */
function encodeSse({ event, id, data, comment }: SseMessage): string {
  const said = comment === undefined ? "" : `: ${comment}\n`;
  const named = event === undefined ? "" : `event: ${event}\n`;
  const numbered = id === undefined ? "" : `id: ${id}\n`;
  const told = data === undefined ? "" : `data: ${JSON.stringify(data)}\n`;
  return `${said}${named}${numbered}${told}\n`;
}

/** What bounds a stream. */
export interface SseOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Drops the connection of a reader that does not read. */
  readonly drop: () => void;
  /** Runs when the reader goes away, so that what is waited for can be given up. */
  readonly over: () => void;
}

/**
 * Makes an answer of messages. They are asked for as fast as the reader reads,
 * so that nothing piles up.
 *
 * @param messages Ends the stream when it ends; its `return` is called when the reader goes away.
 * @param options What bounds it.
 */
export function sseResponse(
  messages: AsyncGenerator<readonly SseMessage[], void, undefined>,
  { clock, drop, over }: SseOptions,
): Answer {
  const stall = new Silence(clock, STALL_MS, drop);
  const body: BodyParts = {
    async next() {
      stall.end();
      const { done, value } = await messages.next();
      if (done) {
        stall[Symbol.dispose]();
        return undefined;
      }
      stall.begin();
      return value.map(encodeSse).join("");
    },
    async cancel() {
      stall[Symbol.dispose]();
      over();
      await messages.return();
    },
  };
  return {
    status: 200,
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies that buffer would hold back what happens now.
      "x-accel-buffering": "no",
    },
    body,
  };
}
