import { isRecord } from "@transporter/sdk";
import type { ApiRequest } from "./transport.ts";

/** The fields of an object. */
export type Fields = Readonly<Record<string, unknown>>;

/** A write that is about to be sent, as whoever decides about it sees it. */
export interface Write {
  /** What it does: the object is there already, or not. */
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  /** The API group; empty for the core group. */
  readonly group: string;
  /** The version. */
  readonly version: string;
  /** The plural of the kind. */
  readonly resource: string;
  /** The kind. */
  readonly kind: string;
  /** The namespace; empty when it has none. */
  readonly namespace: string;
  /** The name. */
  readonly name: string;
  /** The object as it would be, merged and with all defaults; `null` when it would be gone. */
  readonly object: Fields | null;
  /** The object as it is; `null` when there is none. */
  readonly oldObject: Fields | null;
  /** Who sends it, as the server sees them; asked for when it is called. */
  user(): Promise<Fields>;
}

/**
 * Decides about each write before it is sent. The operator of the agent puts
 * one here; nothing that an event says reaches it but the object.
 */
export interface Gate {
  /**
   * Lets a write pass, or throws.
   *
   * @param write What is about to be sent.
   * @param signal Gives up.
   * @returns What the producer should know.
   * @throws {TransporterError} `denied`, naming the policy and the rule.
   */
  check(write: Write, signal: AbortSignal): Promise<readonly string[]>;
}

/** What the path of a request says. */
export interface Place {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  /** Empty for the whole collection. */
  readonly name: string;
  /** A part of the object, such as `status`; empty for all of it. */
  readonly part: string;
}

/** Groups whose objects are questions: nothing is written. */
const QUESTIONS: ReadonlySet<string> = new Set([
  "authentication.k8s.io",
  "authorization.k8s.io",
]);

/** Reads the path of a request to the API server. */
export function placeOf(path: string): Place | undefined {
  const [, root, ...parts] = (path.split("?")[0] ?? "").split("/")
    .map(decodeURIComponent);
  const group = root === "apis"
    ? parts.shift()
    : root === "api"
    ? ""
    : undefined;
  const version = parts.shift();
  if (group === undefined || version === undefined) return undefined;
  const isWithin = parts[0] === "namespaces" && parts.length > 2;
  const namespace = isWithin ? parts.splice(0, 2)[1] ?? "" : "";
  const [resource, name = "", part = ""] = parts;
  return resource === undefined
    ? undefined
    : { group, version, namespace, resource, name, part };
}

/** Whether a request changes nothing since it says so. */
function isDryRun({ method, path, body }: ApiRequest): boolean {
  const query = path.split("?")[1] ?? "";
  if (new URLSearchParams(query).has("dryRun")) return true;
  if (method !== "DELETE" || body === undefined) return false;
  const options: unknown = JSON.parse(body);
  return isRecord(options) && options.dryRun !== undefined;
}

/** Where a request writes; `undefined` when it only asks. */
export function writtenBy(request: ApiRequest): Place | undefined {
  if (request.method === "GET" || isDryRun(request)) return undefined;
  const place = placeOf(request.path);
  return place === undefined || QUESTIONS.has(place.group) ? undefined : place;
}

/** The same write, which changes nothing, and of which all is told. */
export function tried(request: ApiRequest): ApiRequest {
  const joint = request.path.includes("?") ? "&" : "?";
  return {
    ...request,
    path: `${request.path}${joint}dryRun=All`,
    accept: "application/json",
  };
}

/** The question for the object of a write. */
export function asked({ path }: ApiRequest): ApiRequest {
  return { method: "GET", path: path.split("?")[0] ?? "" };
}
