/**
 * What a network does to the connections of a `TcpProxy`. A corrupt byte is not
 * among them: TCP's own checksum catches it, and whatever gets past that is for
 * TLS to catch, which does not exist here yet.
 */
export type TcpFault =
  /** Bytes arrive `ms` to `ms + jitterMs` milliseconds late, in order. */
  | { readonly kind: "latency"; readonly ms: number; readonly jitterMs: number }
  /** No more than so many bytes a second, each way. */
  | { readonly kind: "bandwidth"; readonly bytesPerSecond: number }
  /** Bytes arrive in pieces of so many, with gaps of `gapMs` milliseconds between them. */
  | { readonly kind: "slicer"; readonly bytes: number; readonly gapMs: number }
  /** A connection ends after so many more bytes in one direction. */
  | { readonly kind: "limit_data"; readonly bytes: number }
  /** Nothing arrives, not even an end, until it is over; then everything does. */
  | { readonly kind: "black_hole" }
  /** The open connections are forgotten: they never carry anything again, and nobody is told. New ones work. */
  | { readonly kind: "forget" }
  /** Ends are passed on `ms` milliseconds late. */
  | { readonly kind: "slow_close"; readonly ms: number }
  /** Open and new connections are reset. */
  | { readonly kind: "reset" }
  /** The open connections are ended towards the server, and still carry what it sends. */
  | { readonly kind: "half_close" }
  /** The open connections are reset; new ones are accepted, and silent for as long as they live. */
  | { readonly kind: "accept_silence" };
