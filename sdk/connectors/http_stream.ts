import { isRecord, TransporterError } from "../mod.ts";
import { batchOf, type HttpBatch } from "./http_batch.ts";
import { type Ask, openStream, type Place } from "./http_request.ts";

/** How long a stream may be silent, in milliseconds: its server says something every 10 s. */
const SILENT_MS = 25_000;

/** Options of {@linkcode readStream}. */
export interface StreamOptions extends Pick<Ask, "path" | "signal"> {
  /** How long its first bytes may take, in milliseconds: whoever holds answers back lets none through. */
  readonly firstMs: number;
  /** Told when they are there. */
  readonly opened: () => void;
}

/**
 * Reads an answer that has no end: server-sent events, whose id is the number
 * of the last frame in them.
 *
 * @throws {TransporterError} `timeout` when it is silent, as {@linkcode openStream} does, `bad_frame`.
 */
export async function* readStream(
  place: Place,
  { path, firstMs, opened, signal }: StreamOptions,
): AsyncGenerator<HttpBatch & { readonly after: number }, void, undefined> {
  const limit = new AbortController();
  const stop = () => limit.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const silent = new TransporterError("timeout", "Stream is silent");
  let isOpen = false;
  let timer = setTimeout(() => limit.abort(silent), firstMs);
  try {
    const stream = await openStream(place, { path, signal: limit.signal });
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      if (!isOpen) opened();
      isOpen = true;
      clearTimeout(timer);
      timer = setTimeout(() => limit.abort(silent), SILENT_MS);
      rest += text;
      if (rest.length > place.bytesMax) throw unreadable("it is too long");
      const messages = rest.split(/\r?\n\r?\n/);
      rest = messages.pop() ?? "";
      for (const message of messages) {
        const read = readMessage(message);
        if (read !== undefined) yield read;
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    limit.abort();
  }
}

/** Reads one message; a comment is none. */
function readMessage(
  message: string,
): HttpBatch & { readonly after: number } | undefined {
  let id = NaN;
  let data = "";
  for (const line of message.split(/\r?\n/)) {
    const [, name, value = ""] = /^(\w*): ?(.*)$/s.exec(line) ?? [];
    if (name === "id") id = Number(value);
    if (name === "data") data += value;
  }
  if (data === "") return undefined;
  const value = parse(data);
  const batch = batchOf(value);
  if (!Number.isSafeInteger(id) || !isRecord(value)) {
    throw unreadable("a message has no number");
  }
  return { after: id - batch.frames.length, ...batch };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw unreadable("a message is no JSON");
  }
}

function unreadable(problem: string): TransporterError {
  return new TransporterError(
    "bad_frame",
    `Cannot read the stream: ${problem}`,
  );
}
