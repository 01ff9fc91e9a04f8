import { isDeepStrictEqual } from "node:util";
import { TransporterError } from "@transporter/sdk";
import { type DeclaredKind, declaredKind } from "./declared_kind.ts";
import { safeJson } from "./safe_json.ts";
import {
  isMapping,
  type Reading,
  readYaml,
  Unreadable,
  type Value,
} from "./yaml_document.ts";
import { splitDocuments } from "./yaml_split.ts";

/** Manifests in an event (security.md E.8). */
export const MANIFESTS_MAX = 500;

/** Objects in an event (security.md E.8). */
export const OBJECTS_MAX = 2_000;

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
  /** The version alone. */
  readonly version: string;
  /** What is sent: the bytes as they came. */
  readonly body: string;
  /** Where it stood. */
  readonly place: Place;
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

function at(place: Place): string {
  return `manifest ${place.manifest}, document ${place.document}, line ${place.line}`;
}

function refuse(
  code: "invalid_yaml" | "invalid_manifest" | "unsupported",
  place: Place,
  why: string,
  cause?: unknown,
): TransporterError {
  return new TransporterError(code, `Cannot accept ${at(place)}: ${why}`, {
    details: { ...place },
    cause,
  });
}

function lineAt(text: string, offset: number): number {
  let line = 0;
  for (
    let i = text.indexOf("\n");
    i !== -1 && i < offset;
    i = text.indexOf("\n", i + 1)
  ) line++;
  return line;
}

function read(text: string, place: Place, hint = ""): Reading {
  try {
    return readYaml(text);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const line = place.line + lineAt(text, error.offset);
    throw refuse(
      "invalid_yaml",
      { ...place, line },
      error.message + hint,
      error,
    );
  }
}

/** A List as `kubectl get -o yaml` prints one: it has items and no name of its own. */
function isList(value: { readonly [key: string]: Value }): boolean {
  if (typeof value.kind !== "string" || !value.kind.endsWith("List")) {
    return false;
  }
  const named = isMapping(value.metadata) && value.metadata.name !== undefined;
  return !named && (Array.isArray(value.items) || value.items === null);
}

/** The objects in a document: one, or those of a List. */
function* objectsIn(
  text: string,
  reading: Reading,
  place: Place,
): Generator<Manifest> {
  const { value } = reading;
  if (!isMapping(value)) {
    throw refuse(
      "invalid_manifest",
      place,
      "it is no mapping, so no Kubernetes object",
    );
  }
  if (!isList(value)) {
    yield manifestOf(value, text, place);
    return;
  }
  const items = Array.isArray(value.items) ? value.items : [];
  for (const [index, slice] of reading.items().entries()) {
    const line = place.line + lineAt(text, slice.offset);
    const itemPlace = { ...place, line };
    const item = read(slice.text, itemPlace, ITEM_HINT);
    // What is sent must be what was read here: an anchor outside may have changed it.
    if (!isDeepStrictEqual(item.value, items[index])) {
      throw refuse(
        "invalid_yaml",
        itemPlace,
        `this item of a List cannot stand alone${ITEM_HINT}`,
      );
    }
    yield* objectsIn(slice.text, item, itemPlace);
  }
}

const ITEM_HINT =
  "; the items of a List cannot share anchors, make them documents";

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return text.length * 3 <= OBJECT_BYTES_MAX
    ? text.length
    : encoder.encode(text).length;
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

function manifestOf(
  value: { readonly [key: string]: Value },
  body: string,
  place: Place,
): Manifest {
  const bytes = byteLength(body);
  if (bytes > OBJECT_BYTES_MAX) {
    throw refuse(
      "invalid_manifest",
      place,
      `the object has ${bytes} bytes, more than the ${OBJECT_BYTES_MAX} that a cluster can store`,
    );
  }
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
  const metadata = value.metadata ?? {};
  if (!isMapping(metadata)) {
    throw refuse("invalid_manifest", place, 'its "metadata" is no mapping');
  }
  if (metadata.generateName !== undefined && (metadata.name ?? "") === "") {
    throw refuse(
      "unsupported",
      place,
      'it has "metadata.generateName" in place of a name, which is not supported; give it a "metadata.name"',
    );
  }
  const named = { place, pattern: SEGMENT_REGEXP };
  const name = textAt(metadata, "name", { path: "metadata.name", ...named });
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
    body,
    place,
    declares: declaredKind(group, kind, value),
  };
}

function* objectsOf(manifest: unknown, number: number): Generator<Manifest> {
  const first: Place = { manifest: number, document: 1, line: 1 };
  const source = typeof manifest === "string"
    ? manifest
    : JSON.stringify(manifest);
  if (!source.isWellFormed()) {
    throw refuse(
      "invalid_manifest",
      first,
      "it holds half a character (a lone surrogate)",
    );
  }
  for (const document of splitDocuments(source)) {
    const place: Place = {
      manifest: number,
      document: document.number,
      line: document.line,
    };
    const directive = document.directives.find((each) =>
      !/^%YAML\s/.test(each)
    );
    if (directive !== undefined) {
      throw refuse(
        "invalid_yaml",
        place,
        `the directive "${directive}" is not supported`,
      );
    }
    const text = safeJson(document.text);
    const reading = read(text, place);
    if (reading.value !== null) yield* objectsIn(text, reading, place);
  }
}

/**
 * Reads the objects in a payload's manifests, in order. Needs no cluster.
 *
 * @param manifests YAML or JSON with any number of documents each, or objects.
 * @returns One entry for each object.
 * @throws {TransporterError} `invalid_yaml`, `invalid_manifest` or `unsupported`, naming manifest, document and line.
 */
export function readManifests(manifests: readonly unknown[]): Manifest[] {
  if (manifests.length > MANIFESTS_MAX) {
    throw new TransporterError(
      "invalid_manifest",
      `Cannot accept ${manifests.length} manifests: an event takes at most ${MANIFESTS_MAX}`,
    );
  }
  const objects: Manifest[] = [];
  for (const [index, manifest] of manifests.entries()) {
    for (const object of objectsOf(manifest, index + 1)) objects.push(object);
  }
  if (objects.length > OBJECTS_MAX) {
    throw new TransporterError(
      "invalid_manifest",
      `Cannot accept ${objects.length} objects: an event takes at most ${OBJECTS_MAX}`,
    );
  }
  if (objects.length === 0) {
    throw new TransporterError(
      "invalid_manifest",
      "Cannot accept the manifests: there is no object in them",
    );
  }
  refuseTwice(objects);
  return objects;
}

/**
 * Refuses objects that are there twice: which one would win is a matter of luck.
 *
 * @throws {TransporterError} `invalid_manifest`, naming the object and both places.
 */
export function refuseTwice(objects: readonly Manifest[]): void {
  const seen = new Map<string, Manifest>();
  for (const object of objects) {
    const key = objectKey(object);
    const other = seen.get(key);
    if (other !== undefined) {
      throw refuse(
        "invalid_manifest",
        object.place,
        `${describeObject(object)} is there already, in ${at(other.place)}`,
      );
    }
    seen.set(key, object);
  }
}
