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
 * work of reading a long list.
 */
async function* bytesOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader({ mode: "byob" });
  try {
    let room = new Uint8Array(CHUNK_BYTES);
    for (let sum = 0;;) {
      const { value, done } = await reader.read(room);
      if (done) return;
      sum += value.length;
      if (sum > ANSWER_BYTES_MAX) throw new LongAnswer();
      yield value;
      room = new Uint8Array(value.buffer);
    }
  } finally {
    await reader.cancel();
  }
}

async function readText(response: Response): Promise<string> {
  if (isShort(response)) return await response.text();
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of bytesOf(response)) {
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Reads an answer whole. */
export async function answerOf(
  response: Response,
  sink?: Sink,
): Promise<ApiAnswer> {
  const { status, headers } = response;
  if (sink === undefined || !response.ok) {
    return { status, headers, text: await readText(response) };
  }
  sink.begin();
  for await (const chunk of bytesOf(response)) sink.add(chunk);
  return { status, headers, text: "" };
}
