/**
 * Ends a body when a signal aborts. The signal of the `fetch` it came from is
 * not enough where nobody keeps the `Response`: once Deno has collected that as
 * garbage, an abort no longer reaches the body, and whoever reads it waits for
 * ever (seen in Deno 2.9.6).
 *
 * @param body What is read.
 * @param signal Ends it, also while it is read.
 * @returns The same bytes; an error with the signal's reason once it aborts.
 */
export function cutBy<T extends Uint8Array>(
  body: ReadableStream<T>,
  signal: AbortSignal,
): ReadableStream<T> {
  return body.pipeThrough(new TransformStream<T, T>(), { signal });
}
