/**
 * One attack over HTTP, and the answer to it.
 *
 * @module
 */

import { ok, strictEqual } from "node:assert/strict";
import { type Answers, codeOf, readAnswers } from "./answers.ts";
import { concat, encode, RawSocket } from "./raw.ts";
import { ANSWER_MS_MAX, ANSWER_TRIES_MAX, HANG_MS_MAX } from "./target.ts";

/** What came back. */
export interface Outcome extends Answers {
  /** Status and code of the first answer, such as `400 invalid_json`; `closed` when there is none. */
  readonly answer: string;
  /** Milliseconds until it was there. */
  readonly ms: number;
}

/**
 * Sends bytes, and waits for an answer or a close.
 *
 * @param port Where.
 * @param sent What, in pieces.
 * @throws When there is neither within {@linkcode HANG_MS_MAX}, or an answer is not one of ours.
 */
export async function attack(
  port: number,
  sent: Iterable<Uint8Array | string>,
): Promise<Outcome> {
  const chunks: Uint8Array[] = [];
  using socket = await RawSocket.connect(port, (chunk) => chunks.push(chunk));
  socket.listen();
  const started = performance.now();
  for (const bytes of sent) if (!await socket.send(bytes)) break;
  const answered = () => chunks.length > 0 && read(chunks).whole.length > 0;
  await socket.until(() => answered() || socket.end !== "open", HANG_MS_MAX);
  const ms = performance.now() - started;
  ok(answered() || socket.end !== "open", "neither an answer nor a close");
  const answers = read(chunks);
  const [first] = answers.whole;
  const answer = first === undefined
    ? "closed"
    : `${first.status} ${codeOf(first)}`;
  return { ...answers, answer, ms };
}

function read(chunks: readonly Uint8Array[]): Answers {
  return readAnswers(concat(chunks));
}

/** A request that submits a body, whose connection is over with its answer. */
export function post(
  path: string,
  body: Uint8Array,
  headers = "Content-Type: application/json\r\n",
): Uint8Array[] {
  const head =
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
    `${headers}Content-Length: ${body.length}\r\n\r\n`;
  return [encode(head), body];
}

/**
 * Attacks with each sample, and fails naming all that are not answered as they
 * should be, and within {@linkcode ANSWER_MS_MAX}. `large` ones are not timed:
 * what is measured of them is how long it takes to send them.
 */
export async function answerAll<
  T extends { readonly path: string; readonly answer: string },
>(
  samples: readonly T[],
  send: (sample: T) => Promise<Outcome>,
  { large = false }: { readonly large?: boolean } = {},
): Promise<void> {
  const msMax = large ? Infinity : ANSWER_MS_MAX;
  const wrong: string[] = [];
  for (const sample of samples) {
    try {
      const { answer, whole, ms } = await send(sample);
      let msMin = ms;
      for (let i = 1; i < ANSWER_TRIES_MAX && msMin > msMax; i++) {
        msMin = Math.min(msMin, (await send(sample)).ms);
      }
      if (msMin > msMax) wrong.push(`${sample.path}: ${msMin} ms`);
      if (answer !== sample.answer) {
        wrong.push(`${sample.path}: ${answer} ${whole[0]?.body.slice(0, 300)}`);
      }
    } catch (error) {
      wrong.push(`${sample.path}: ${error}`);
    }
  }
  strictEqual(wrong.join("\n"), "");
}
