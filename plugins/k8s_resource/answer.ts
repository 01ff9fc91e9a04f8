import { ANSWER_BYTES_MAX, LongAnswer } from "./no_answer.ts";

/** What the API server answered. */
export interface ApiAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body. */
  readonly text: string;
}

/** Takes the bytes of a body. */
export interface Sink {
  /** Bytes of a new answer come: what came of one that broke off does not count. */
  begin(): void;
  /** Takes some; they may be others when it has returned. */
  add(bytes: Uint8Array): void;
}

/** Bytes that are read of an answer at a time. */
const CHUNK_BYTES = 64 * 1024;

/** Whether the answer says that it is short; what is unpacked on the way can be longer than it says. */
function isShort({ headers }: Response): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= ANSWER_BYTES_MAX &&
    !headers.has("content-encoding");
}

/**
 * The bytes of a body; each time the same ones, with what came. What is
 * unpacked comes by 4 kB, and to make room for each of them was a third of the
 * work of reading a long list. As with `cutBy()` of the SDK, which makes chunks
 * of its own, the signal of the request is not relied on to end them.
 *
 * @throws The signal's reason once it aborts.
 */
async function* bytesOf(
  { body }: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader({ mode: "byob" });
  // What is being read then is done.
  const cut = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cut, { once: true });
  try {
    let room = new Uint8Array(CHUNK_BYTES);
    for (let sum = 0;;) {
      signal.throwIfAborted();
      const { value, done } = await reader.read(room);
      signal.throwIfAborted();
      if (done) return;
      sum += value.length;
      if (sum > ANSWER_BYTES_MAX) throw new LongAnswer();
      yield value;
      room = new Uint8Array(value.buffer);
    }
  } finally {
    signal.removeEventListener("abort", cut);
    await reader.cancel();
  }
}

async function readText(
  response: Response,
  signal: AbortSignal,
): Promise<string> {
  if (isShort(response)) return await response.text();
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of bytesOf(response, signal)) {
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Reads an answer whole.
 *
 * @param response The answer; its body has not been read.
 * @param signal Gives up.
 * @param sink Takes the body of a success, which has no text then.
 * @throws The signal's reason once it aborts.
 */
export async function answerOf(
  response: Response,
  signal: AbortSignal,
  sink?: Sink,
): Promise<ApiAnswer> {
  const { status, headers } = response;
  if (sink === undefined || !response.ok) {
    return { status, headers, text: await readText(response, signal) };
  }
  sink.begin();
  for await (const chunk of bytesOf(response, signal)) sink.add(chunk);
  return { status, headers, text: "" };
}
