/**
 * Results to a web server: one POST each, signed as Standard Webhooks says.
 *
 * @see {@link https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md}
 * @module
 */
import { createHmac } from "node:crypto";
import {
  CLOUD_EVENT_TYPE,
  type OpenSink,
  shownUrl,
  TransporterError,
  writeCloudEvent,
} from "../mod.ts";

/** What secrets begin with. */
const PREFIX = "whsec_";

/** Bytes of the shortest secret that is taken. */
const SECRET_BYTES_MIN = 24;

/** The longest that a receiver may ask to wait, in milliseconds. */
const RETRY_AFTER_MS_MAX = 3600_000;

/** Bytes of an answer that are read. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** How webhooks are sent. */
export interface WebhookOptions {
  /** The text with the secrets, one a line; asked for each time, so that they can be replaced. */
  readonly secrets: () => Promise<string>;
  /** Sends a request. */
  readonly fetch?: typeof fetch;
}

/**
 * Reads secrets: one a line, `whsec_` and Base64.
 *
 * @throws {TransporterError} `usage` when there is none, or one is short.
 */
export function readSecrets(text: string): readonly Uint8Array[] {
  const secrets = text.split("\n").map((line) => line.trim()).filter(Boolean)
    .map((line) => decode(line));
  if (
    secrets.length === 0 ||
    secrets.some((secret) => (secret?.length ?? 0) < SECRET_BYTES_MIN)
  ) {
    throw new TransporterError(
      "usage",
      `Cannot sign results: the file of the secret must have "${PREFIX}" and at least ${SECRET_BYTES_MIN} bytes in Base64, one secret a line`,
    );
  }
  return secrets.filter((secret) => secret !== undefined);
}

function decode(line: string): Uint8Array | undefined {
  try {
    const text = line.startsWith(PREFIX) ? line.slice(PREFIX.length) : line;
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** What is signed. */
export interface SignedMessage {
  /** Its id. */
  readonly id: string;
  /** When it is sent, in seconds since 1970. */
  readonly timestamp: number;
  /** Its body. */
  readonly body: string;
}

/** Makes the value of the header `webhook-signature`: one signature for each secret. */
export function signatureOf(
  { id, timestamp, body }: SignedMessage,
  secrets: readonly Uint8Array[],
): string {
  return secrets.map((secret) => {
    const hmac = createHmac("sha256", secret);
    return `v1,${hmac.update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  }).join(" ");
}

/** How webhooks are opened. */
export function webhooks(
  { secrets, fetch: send = fetch }: WebhookOptions,
): OpenSink {
  return async (url) => {
    readSecrets(await secrets());
    return {
      async deliver(event, { signal }) {
        const body = writeCloudEvent(event);
        const { id } = event;
        const timestamp = Math.floor(Date.now() / 1000);
        const signature = signatureOf(
          { id, timestamp, body },
          readSecrets(await secrets()),
        );
        let response: Response;
        try {
          response = await send(url, {
            method: "POST",
            headers: {
              "content-type": CLOUD_EVENT_TYPE,
              "webhook-id": id,
              "webhook-timestamp": String(timestamp),
              "webhook-signature": signature,
            },
            body,
            redirect: "manual",
            signal,
          });
        } catch (cause) {
          throw unreached(url, cause, signal);
        }
        await drain(response);
        if (!response.ok) throw refused(url, response);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  };
}

/** Reads an answer that nobody needs, so that its connection can be used again; a long one is given up. */
async function drain({ body }: Response): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) return;
    }
  } catch {
    // The status is what counts.
  }
}

function unreached(
  url: URL,
  cause: unknown,
  signal: AbortSignal,
): TransporterError {
  const reason = signal.aborted ? signal.reason : cause;
  if (reason instanceof TransporterError) return reason;
  const { message } = reason instanceof Error ? reason : new Error("no answer");
  return new TransporterError(
    "unavailable",
    `Cannot deliver results to "${shownUrl(url)}": ${
      message.replaceAll(url.href, shownUrl(url))
    }`,
    { cause },
  );
}

function refused(url: URL, response: Response): TransporterError {
  const { status, headers } = response;
  const seconds = Number(headers.get("retry-after") ?? NaN);
  const ms = Math.min(seconds * 1000, RETRY_AFTER_MS_MAX);
  const why = status >= 300 && status < 400
    ? "redirects are not followed"
    : "it must be from 200 to 299";
  return new TransporterError(
    "unavailable",
    `Cannot deliver results to "${
      shownUrl(url)
    }": it answers with ${status}, and ${why}`,
    ms >= 0 ? { details: { retry_after_ms: ms } } : {},
  );
}
