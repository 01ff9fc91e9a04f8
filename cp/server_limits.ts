/** How long clients may take, and how much they may send. Milliseconds and bytes. */
export interface ServerLimits {
  /** For the headers of a request. */
  readonly headersMs: number;
  /** For a request with its body. */
  readonly requestMs: number;
  /** Without a request, before a connection is closed. */
  readonly idleMs: number;
  /** Between looks at the clock. */
  readonly checkMs: number;
  /** All headers together. */
  readonly headerBytesMax: number;
  /** One frame of an agent; those of v1 send a whole message in one. */
  readonly frameBytesMax: number;
}

/** The limits unless told otherwise. */
export const SERVER_LIMITS: ServerLimits = {
  headersMs: 10_000,
  requestMs: 60_000,
  idleMs: 65_000,
  checkMs: 500,
  headerBytesMax: 16 * 1024,
  frameBytesMax: 12 * 1024 * 1024 + 64 * 1024,
};
