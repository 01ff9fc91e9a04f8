import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";

/** A body that is made while it is read: each part is asked for when the reader has taken those before it. */
export interface BodyParts {
  /** The next part; `undefined` after the last one. */
  next(): Promise<string | undefined>;
  /** The reader went away, or nobody will read. */
  cancel(): Promise<void>;
}

/**
 * An answer, before anybody writes it. A `Response` of the platform says the
 * same, and takes more time than all else that is done for a short request.
 */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** Headers, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What follows; nothing when absent. */
  readonly body?: string | BodyParts;
}

/** Makes an answer of a value. */
export function json(value: unknown, status = 200): Answer {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  };
}

/** Writes an answer to its end, or until the reader goes away. */
export async function writeAnswer(
  outgoing: ServerResponse,
  { status, headers, body }: Answer,
): Promise<void> {
  if (typeof body === "object") {
    outgoing.writeHead(status, headers);
    return await writeParts(outgoing, body);
  }
  const length = body === undefined ? {} : {
    "content-length": Buffer.byteLength(body),
  };
  // Headers and a text go out as one buffer.
  outgoing.writeHead(status, { ...headers, ...length }).end(body);
}

async function writeParts(
  outgoing: ServerResponse,
  parts: BodyParts,
): Promise<void> {
  let wake: (() => void) | undefined;
  function goOn(): void {
    wake?.();
  }
  function gone(): void {
    goOn();
    parts.cancel().catch(() => {}); // it was told why by whoever asked for the part
  }
  if (outgoing.destroyed || outgoing.req.method === "HEAD") {
    await parts.cancel();
    outgoing.end();
    return;
  }
  outgoing.on("drain", goOn).once("close", gone);
  outgoing.flushHeaders();
  try {
    while (!outgoing.destroyed) {
      const part = await parts.next();
      if (part === undefined || outgoing.destroyed) break;
      if (outgoing.write(part)) continue;
      await new Promise<void>((resolve) => wake = resolve);
    }
    outgoing.off("close", gone);
    outgoing.end();
  } catch (error) {
    outgoing.destroy();
    throw error;
  }
}
