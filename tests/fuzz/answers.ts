/**
 * HTTP answers as they are on the wire, and what every one of them has to be.
 *
 * @module
 */

import { ERROR_CODES, isErrorCode, isRecord } from "@transporter/sdk";
import { ok, strictEqual } from "node:assert/strict";
import { decode } from "./raw.ts";

/** One answer. */
export interface HttpAnswer {
  readonly status: number;
  /** Headers, in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body, one character a byte. */
  readonly body: string;
}

/** What came on a connection. */
export interface Answers {
  /** Whole answers, in order; interim ones are left out. */
  readonly whole: readonly HttpAnswer[];
  /** What follows the last of them: a WebSocket's frames, or half an answer. */
  readonly rest: string;
}

/** Reads all answers of a connection. */
export function readAnswers(bytes: Uint8Array): Answers {
  const whole: HttpAnswer[] = [];
  let rest = decode(bytes);
  for (;;) {
    const next = readAnswer(rest);
    if (next === undefined) return { whole, rest };
    rest = next.rest;
    if (next.answer.status === 101) {
      return { whole: [...whole, next.answer], rest };
    }
    if (next.answer.status >= 200) whole.push(next.answer);
  }
}

function readAnswer(
  text: string,
): { readonly answer: HttpAnswer; readonly rest: string } | undefined {
  const at = text.indexOf("\r\n\r\n");
  if (at === -1) return undefined;
  const [first = "", ...fields] = text.slice(0, at).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1]);
  ok(status >= 100, `no status line: ${text.slice(0, 200)}`);
  const headers = new Map(fields.map((field) => {
    const colon = field.indexOf(":");
    return [
      field.slice(0, colon).toLowerCase(),
      field.slice(colon + 1).trim(),
    ] as const;
  }));
  const read = readBody(text.slice(at + 4), status, headers);
  if (read === undefined) return undefined;
  return { answer: { status, headers, body: read.body }, rest: read.rest };
}

function readBody(
  text: string,
  status: number,
  headers: ReadonlyMap<string, string>,
): { readonly body: string; readonly rest: string } | undefined {
  // To HEAD there is no body, whatever the headers say.
  const none = status < 200 || status === 204 || text.startsWith("HTTP/1.1 ");
  if (none) return { body: "", rest: text };
  if (headers.get("transfer-encoding") === "chunked") return readChunks(text);
  const length = Number(headers.get("content-length") ?? 0);
  if (text.length < length) {
    return text === "" ? { body: "", rest: "" } : undefined;
  }
  return { body: text.slice(0, length), rest: text.slice(length) };
}

function readChunks(
  text: string,
): { readonly body: string; readonly rest: string } | undefined {
  let body = "";
  let rest = text;
  for (;;) {
    const [head, size] = /^([0-9a-f]+)\r\n/i.exec(rest) ?? [];
    if (head === undefined || size === undefined) return undefined;
    const length = parseInt(size, 16);
    body += rest.slice(head.length, head.length + length);
    rest = rest.slice(head.length + length + 2);
    if (length === 0) return { body, rest };
  }
}

/** The code of an answer; `ok` of one that is no error. Fails unless the answer is one that we give. */
export function codeOf({ status, headers, body }: HttpAnswer): string {
  if (status < 400) return "ok";
  ok(status < 500, `${status}: ${body.slice(0, 500)}`);
  strictEqual(headers.get("content-type"), "application/problem+json", body);
  if (body === "") return "head"; // of a HEAD request
  const problem: unknown = JSON.parse(
    new TextDecoder().decode(Uint8Array.from(body, (c) => c.charCodeAt(0))),
  );
  ok(isRecord(problem), body);
  const { code, message } = problem;
  ok(typeof code === "string" && isErrorCode(code), body);
  strictEqual(ERROR_CODES[code].status, status, body);
  strictEqual(problem["status"], status, body);
  ok(typeof message === "string" && message.length < 2000, body);
  ok(!/[.!]$/.test(message), message);
  // deno-lint-ignore no-control-regex -- a terminal must not be driven by what is echoed
  ok(!/[\u0000-\u001f\u007f-\u009f]/.test(message), JSON.stringify(message));
  return code;
}
