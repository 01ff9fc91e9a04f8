import { type ErrorCode, TransporterError } from "@transporter/sdk";
import { directivesIn } from "./directives.ts";
import { type DeclaredKind, declaredKind } from "./declared_kind.ts";
import { isMapping, type Value } from "./yaml_value.ts";

/** Bytes of an object: what etcd takes in one request. */
export const OBJECT_BYTES_MAX = 1.5 * 1024 * 1024;

/** Where an object stands in the payload; all count from 1. */
export interface Place {
  /** The manifest in the payload's list. */
  readonly manifest: number;
  /** The document in the manifest. */
  readonly document: number;
  /** The line in the manifest. */
  readonly line: number;
}

/** What tells one object from another. */
export interface ObjectName {
  /** The API group; empty for the core group. */
  readonly group: string;
  /** The kind. */
  readonly kind: string;
  /** The namespace; empty when there is none. */
  readonly namespace: string;
  /** The name. */
  readonly name: string;
}

/** One object that is to be applied. */
export interface Manifest extends ObjectName {
  /** Group and version as written, such as `apps/v1`. */
  readonly apiVersion: string;
  /** What its name begins with, when it has none of its own; its `name` is empty until the event gives it one. */
  readonly generateName: string | undefined;
  /** The version alone. */
  readonly version: string;
  /** What is sent: the bytes as they came. */
  readonly body: string;
  /** Where it stood. */
  readonly place: Place;
  /** It names the life or the version of the object it is for, so that a conflict about them stays. */
  readonly pinned: boolean;
  /** It says when it was deleted, as what was read of an object on its way out does. */
  readonly dying: boolean;
  /** It says something about its status. */
  readonly reports: boolean;
  /** Its annotations by which other tools are told what to do with it. */
  readonly directives: readonly string[];
  /** The kind it declares, when it is a CustomResourceDefinition. */
  readonly declares: DeclaredKind | undefined;
}

/** Names an object for people: `Deployment "web" in namespace "shop"`. */
export function describeObject(object: ObjectName): string {
  const where = object.namespace === ""
    ? ""
    : ` in namespace "${object.namespace}"`;
  return `${object.kind} "${object.name}"${where}`;
}

/** One string for what tells an object from another. */
export function objectKey(object: ObjectName): string {
  return `${object.group}/${object.kind}/${object.namespace}/${object.name}`;
}

/** Names a place for people. */
export function describePlace(place: Place): string {
  return `manifest ${place.manifest}, document ${place.document}, line ${place.line}`;
}

/**
 * The error about something in a payload.
 *
 * @param code What kind of error.
 * @param place Where it is.
 * @param why Continues the sentence.
 * @param cause What was caught.
 */
export function refuse(
  code: ErrorCode,
  place: Place,
  why: string,
  cause?: unknown,
): TransporterError {
  return new TransporterError(
    code,
    `Cannot accept ${describePlace(place)}: ${why}`,
    {
      details: { ...place },
      cause,
    },
  );
}

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return text.length * 3 <= OBJECT_BYTES_MAX
    ? text.length
    : encoder.encode(text).length;
}

/**
 * Refuses the text of an object that no cluster can store.
 *
 * @throws {TransporterError} `invalid_manifest`.
 */
export function refuseLarge(body: string, place: Place): void {
  const bytes = byteLength(body);
  if (bytes <= OBJECT_BYTES_MAX) return;
  throw refuse(
    "invalid_manifest",
    place,
    `the object has ${bytes} bytes, more than the ${OBJECT_BYTES_MAX} that a cluster can store`,
  );
}

/** A name goes into a path, so it must be one segment of it. @see {@link https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names} */
const SEGMENT_REGEXP = /^(?!\.{1,2}$)[^\s/%\p{Cc}]{1,253}$/u;
const API_VERSION_REGEXP =
  /^(?:([a-z0-9]([-a-z0-9.]*[a-z0-9])?)\/)?[a-z][a-z0-9]*$/;
const KIND_REGEXP = /^[A-Za-z][A-Za-z0-9]*$/;

/** Text at a key, or a sentence about what stands there instead. */
function textAt(
  object: { readonly [key: string]: Value },
  key: string,
  options: {
    readonly path: string;
    readonly place: Place;
    readonly pattern: RegExp;
  },
): string {
  const { path, place, pattern } = options;
  const value = object[key];
  if (value === undefined || value === null || value === "") {
    throw refuse("invalid_manifest", place, `it has no "${path}"`);
  }
  if (typeof value !== "string") {
    const found = typeof value === "object"
      ? "a collection"
      : `the ${typeof value} ${value}`;
    throw refuse(
      "invalid_manifest",
      place,
      `its "${path}" is ${found}, not text; put it in quotes`,
    );
  }
  if (!pattern.test(value)) {
    throw refuse(
      "invalid_manifest",
      place,
      `its "${path}" cannot be "${value.slice(0, 253)}"`,
    );
  }
  return value;
}

/**
 * Checks what every object needs, and takes from it what tells where it goes.
 *
 * @param value The object.
 * @param body Its text.
 * @param place Where it stood.
 * @throws {TransporterError} `invalid_manifest` or `unsupported`.
 */
export function manifestOf(
  value: { readonly [key: string]: Value },
  body: string,
  place: Place,
): Manifest {
  refuseLarge(body, place);
  const apiVersion = textAt(value, "apiVersion", {
    path: "apiVersion",
    place,
    pattern: API_VERSION_REGEXP,
  });
  const kind = textAt(value, "kind", {
    path: "kind",
    place,
    pattern: KIND_REGEXP,
  });
  if (apiVersion.startsWith("kustomize.config.k8s.io/")) {
    throw refuse(
      "invalid_manifest",
      place,
      `it is a ${kind} for kustomize, which nothing is built from here; send what "kubectl kustomize" prints`,
    );
  }
  const metadata = value.metadata ?? {};
  if (!isMapping(metadata)) {
    throw refuse("invalid_manifest", place, 'its "metadata" is no mapping');
  }
  const named = { place, pattern: SEGMENT_REGEXP };
  // As for the server, a name wins.
  const generated = (metadata.name ?? "") === "" &&
    (metadata.generateName ?? "") !== "";
  const generateName = generated
    ? textAt(metadata, "generateName", {
      path: "metadata.generateName",
      ...named,
    })
    : undefined;
  const name = generated
    ? ""
    : textAt(metadata, "name", { path: "metadata.name", ...named });
  if (generated && (metadata.resourceVersion ?? "") !== "") {
    throw refuse(
      "invalid_manifest",
      place,
      'its "metadata.resourceVersion" is of an object that is there, and "generateName" makes a new one; take it out',
    );
  }
  const namespace = (metadata.namespace ?? "") === ""
    ? ""
    : textAt(metadata, "namespace", { path: "metadata.namespace", ...named });
  const slash = apiVersion.indexOf("/");
  const group = slash === -1 ? "" : apiVersion.slice(0, slash);
  return {
    group,
    version: apiVersion.slice(slash + 1),
    apiVersion,
    kind,
    namespace,
    name,
    generateName,
    body,
    place,
    pinned: metadata.uid !== undefined ||
      metadata.resourceVersion !== undefined,
    dying: (metadata.deletionTimestamp ?? "") !== "",
    reports: isMapping(value.status) && Object.keys(value.status).length > 0,
    directives: directivesIn(metadata),
    declares: declaredKind(group, kind, value),
  };
}
