import {
  cutBy,
  deadline,
  fullJitter,
  isRecord,
  parseJson,
  type StreamStatus,
  TransporterError,
} from "@transporter/sdk";
import { createParser } from "eventsource-parser";
import { readText } from "./bytes.ts";
import type { Client } from "./client.ts";
import type { Query } from "./http.ts";
import { problemOf } from "./problem.ts";
import { stoppedBy } from "./retry.ts";

/** What a stream brings. */
export type StreamItem =
  /**
   * All that was before has been told, for the first time or after a break:
   * whatever happens from now on follows. To be asked for is what the stream
   * does not tell, such as events from before it began.
   */
  | { readonly kind: "ready" }
  /** Something happened to an event. */
  | { readonly kind: "status"; readonly status: StreamStatus };

/** Options of {@linkcode follow}. */
export interface FollowOptions {
  /** Which changes. */
  readonly query?: Query;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Takes a line for people when the stream breaks. */
  readonly note: (line: string) => void;
}

/** A control plane sends something, if only a comment, much more often than that, in milliseconds. */
const SILENCE_MS_MAX = 60_000;

/** Between tries after a break, in milliseconds. */
const DELAYS = { initialMs: 500, maxMs: 15_000 };

/** A message of the stream has at most what an event's history entry has. */
const BUFFER_CHARS_MAX = 16 * 1024 * 1024;

interface Position {
  lastId: string | undefined;
}

function itemOf(
  name: string | undefined,
  data: string,
): StreamItem | undefined {
  if (name === "ready") return { kind: "ready" };
  // A reset tells where events are now, then it is ready; others are of a newer version.
  if (name !== "status") return undefined;
  const value = parseJson(data);
  const fits = isRecord(value) && typeof value["event_id"] === "string" &&
    typeof value["revision"] === "number" && typeof value["state"] === "string";
  return fits
    ? { kind: "status", status: value as unknown as StreamStatus }
    : undefined;
}

/** Opens the stream, from where an earlier connection ended. */
async function open(
  client: Client,
  position: Position,
  options: { readonly query: Query; readonly signal: AbortSignal },
): Promise<ReadableStream<string>> {
  const { http } = client;
  const { query, signal } = options;
  const { lastId } = position;
  const response = await http.options.fetch(http.address("/v2/stream", query), {
    headers: {
      accept: "text/event-stream",
      ...(lastId === undefined ? {} : { "last-event-id": lastId }),
    },
    signal,
  });
  if (response.ok && response.body !== null) {
    return cutBy(response.body, signal).pipeThrough(new TextDecoderStream());
  }
  const { status, headers } = response;
  throw problemOf({
    status,
    headers,
    text: response.body === null ? "" : await readText(
      cutBy(response.body, signal),
      { name: "the answer", bytesMax: BUFFER_CHARS_MAX },
    ),
    url: client.url,
  });
}

/** One connection, from its opening to its end. */
async function* connection(
  client: Client,
  position: Position,
  options: FollowOptions,
): AsyncGenerator<StreamItem> {
  const { http } = client;
  const silent = new AbortController();
  const signal = AbortSignal.any([options.signal, silent.signal]);
  /** Bounds one wait: a connection that died without a word would be waited on for ever. */
  async function bounded<T>(what: Promise<T>): Promise<T> {
    const reason = new TransporterError(
      "unavailable",
      "The stream fell silent",
    );
    using limit = deadline(http.options.clock, SILENCE_MS_MAX, { reason });
    limit.signal.addEventListener("abort", () => silent.abort(reason));
    return await what;
  }
  const items: StreamItem[] = [];
  const parser = createParser({
    maxBufferSize: BUFFER_CHARS_MAX,
    onId: (id) => {
      position.lastId = id;
    },
    onEvent: ({ event, data }) => {
      const item = itemOf(event, data);
      if (item !== undefined) items.push(item);
    },
  });
  let reader: ReadableStreamDefaultReader<string> | undefined;
  try {
    const { query = {} } = options;
    reader = (await bounded(open(client, position, { query, signal })))
      .getReader();
    while (true) {
      yield* items.splice(0);
      const { done, value } = await bounded(reader.read());
      if (done) return;
      parser.feed(value);
    }
  } catch (cause) {
    throw http.failure(cause, signal);
  } finally {
    await reader?.cancel().catch(() => {}); // it is broken already
  }
}

/** Tries of the first connection: a wrong address should not be tried for ever. */
const FIRST_TRIES_MAX = 4;

/**
 * Follows the changes that the control plane sees, across breaks: after each,
 * the stream goes on where it ended.
 *
 * @param client Where to.
 * @param options Which changes, and until when.
 * @returns The changes; ends never.
 * @throws {TransporterError} `unavailable` when the first connection cannot be made, the code of
 * a refusal, the signal's reason.
 */
export async function* follow(
  client: Client,
  options: FollowOptions,
): AsyncGenerator<StreamItem> {
  const { clock, rng } = client.http.options;
  const { signal, note } = options;
  const position: Position = { lastId: undefined };
  let opened = false;
  let failures = 0;
  while (true) {
    let why = "The control plane ended the stream";
    try {
      for await (const item of connection(client, position, options)) {
        if (item.kind === "ready") {
          if (failures > 0) note("Connected again");
          opened = true;
          failures = 0;
        }
        yield item;
      }
    } catch (error) {
      if (!(error instanceof TransporterError)) throw error;
      const last = !opened && failures + 1 >= FIRST_TRIES_MAX;
      if (signal.aborted || !error.retryable || last) throw error;
      why = error.message;
    }
    if (failures === 0) note(`${why}; trying again`);
    try {
      await clock.sleep(fullJitter(failures++, rng, DELAYS), { signal });
    } catch (cause) {
      throw stoppedBy(signal, cause);
    }
  }
}
