import { isRecord } from "@transporter/sdk";
import { type Fields, recordOf } from "./ready_parts.ts";

/** What a line of a watch says. @see {@link https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes} */
export interface WatchEvent {
  /** What happened; `again`: the watch cannot go on, and a new list is needed. */
  readonly type: "seen" | "gone" | "bookmark" | "again";
  /** The object, or nothing but its version. */
  readonly object: Fields;
}

const TYPES: ReadonlyMap<string, WatchEvent["type"]> = new Map([
  ["ADDED", "seen"],
  ["MODIFIED", "seen"],
  ["DELETED", "gone"],
  ["BOOKMARK", "bookmark"],
]);

/**
 * Reads a line of a watch. An error, such as a version that is too old (410),
 * leads to a new list, and so does anything that cannot be read.
 */
export function watchEventOf(line: string): WatchEvent {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    read = undefined; // not the API server's words
  }
  const { type, object } = recordOf(read);
  const known = TYPES.get(String(type));
  return known === undefined || !isRecord(object)
    ? { type: "again", object: {} }
    : { type: known, object };
}

/** The version that an object or a list has. */
export function versionOf(object: Fields): string {
  return String(recordOf(object.metadata).resourceVersion ?? "");
}
