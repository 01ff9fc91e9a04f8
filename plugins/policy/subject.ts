/** An object of JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a rule may be about. */
export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** Where objects of a kind are. */
export interface Kind {
  /** The API group; empty for the core group. */
  readonly group: string;
  /** The version. */
  readonly version: string;
  /** The kind. */
  readonly kind: string;
  /** The plural. */
  readonly resource: string;
  /** Whether its objects live in namespaces. */
  readonly namespaced: boolean;
}

/** What is judged: an object, and what would happen to it. */
export interface Subject {
  /** Its kind. */
  readonly of: Kind;
  /** Its namespace; empty when it has none. */
  readonly namespace: string;
  /** Its name; empty when it gets one later. */
  readonly name: string;
  /** What would happen; an audit judges objects as if they were created. */
  readonly operation: Operation;
  /** The object as it would be; `null` when it would be gone. */
  readonly object: Fields | null;
  /** The object as it is; `null` when there is none. */
  readonly oldObject: Fields | null;
  /** What is said of the request; absent in an audit. */
  readonly request?: Fields;
  /** Its Namespace, as far as it is known; `null` when it has none. */
  readonly namespaceObject: Fields | null;
}

/** A part of an object that is a map; empty when it is none. */
export function partOf(object: unknown, key: string): Fields {
  const value = typeof object === "object" && object !== null
    ? (object as Fields)[key]
    : undefined;
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Fields
    : {};
}

/** The labels of an object. */
export function labelsOf(object: unknown): Fields {
  return partOf(partOf(object, "metadata"), "labels");
}

/** The group and the version of an `apiVersion`. */
export function splitVersion(
  apiVersion: string,
): { group: string; version: string } {
  const slash = apiVersion.indexOf("/");
  return slash === -1 ? { group: "", version: apiVersion } : {
    group: apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
  };
}
