import type { ErrorCode, TransporterError } from "./error.ts";

/**
 * A driver that moves text frames between an agent and the control plane, in
 * order, both ways, and does nothing else. A frame has no line break, as JSON
 * needs none: a connector may put several into one message. Acknowledgement,
 * limits and codecs are {@linkcode Link}'s business, written once.
 */
export interface Wire {
  /**
   * The frames that arrive. One consumer. Ends when either side closes without
   * a reason. Throws {@linkcode TransporterError}: the code of the far end's
   * reason when it closed with one, `unavailable` when the medium breaks,
   * `too_large` for a frame beyond the connector's limit.
   */
  readonly frames: AsyncIterable<string>;
  /**
   * Resolves when the runtime took the frame, which waits while too much is
   * buffered; rejects `unavailable` once closed.
   */
  send(frame: string): Promise<void>;
  /**
   * Ends both directions, telling the far end why. Idempotent; bounded in time
   * by the connector. Frames already sent still arrive.
   */
  close(reason?: TransporterError): Promise<void>;
}

/** Options for {@linkcode Dial}. */
export interface DialOptions {
  /** Gives up connecting; does not affect an open wire. */
  readonly signal: AbortSignal;
  /** The longest frame that may arrive, in bytes; a longer one breaks the wire. */
  readonly frameBytesMax: number;
  /** The agent that dials; a carrier with many agents on it has to know. */
  readonly agentId?: string;
  /** Sent as a bearer token, when set. */
  readonly token?: string;
}

/**
 * Opens a wire to the control plane. One per URL scheme.
 *
 * @throws {TransporterError} `unavailable` when nobody answers, `unauthenticated` or `denied` when
 * the control plane refuses.
 */
export type Dial = (url: URL, options: DialOptions) => Promise<Wire>;

/** The WebSocket close code of each reason a wire is closed for (docs/protocol.md). */
export const CLOSE_CODES = {
  bad_frame: 4400,
  unauthenticated: 4401,
  denied: 4403,
  timeout: 4408,
  superseded: 4409,
  too_large: 4413,
  unsupported_version: 4426,
  slow_down: 4429,
  unavailable: 1012,
} as const satisfies Partial<Record<ErrorCode, number>>;

/** The close code of a reason; 1011, "internal error", for one that has none. */
export function closeCodeOf(code: ErrorCode): number {
  return Object.hasOwn(CLOSE_CODES, code)
    ? CLOSE_CODES[code as keyof typeof CLOSE_CODES]
    : 1011;
}

/** The reason behind a close code; `undefined` for a close without a reason (1000, 1005). */
export function codeOfClose(closeCode: number): ErrorCode | undefined {
  if (closeCode === 1000 || closeCode === 1005) return undefined;
  if (closeCode === 1009) return "too_large";
  for (const [code, value] of Object.entries(CLOSE_CODES)) {
    if (value === closeCode) return code as keyof typeof CLOSE_CODES;
  }
  return "unavailable";
}
