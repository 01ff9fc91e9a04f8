import { isDeepStrictEqual } from "node:util";
import { TransporterError } from "@transporter/sdk";
import {
  describeObject,
  describePlace,
  type Manifest,
  manifestOf,
  objectKey,
  type Place,
  refuse,
} from "./manifest.ts";
import { longIn } from "./exact_json.ts";
import { safeJson } from "./safe_json.ts";
import { withoutStringData } from "./secret.ts";
import { type Reading, readYaml } from "./yaml_document.ts";
import { splitDocuments } from "./yaml_split.ts";
import { isMapping, Unreadable, type Value } from "./yaml_value.ts";

/** Manifests in an event. */
const MANIFESTS_MAX = 500;

/** Objects in an event. */
export const OBJECTS_MAX = 2_000;

/** Tokens that are read for an event, those of the items of Lists again: some seconds of work. */
const EVENT_TOKENS_MAX = 2_000_000;

/** What was read for an event so far. */
interface Work {
  tokens: number;
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

function read(
  text: string,
  place: Place,
  { work, hint = "" }: { readonly work: Work; readonly hint?: string },
): Reading {
  const reading = within(text, place, { act: () => readYaml(text), hint });
  work.tokens += reading.tokens;
  if (work.tokens > EVENT_TOKENS_MAX) {
    throw refuse(
      "invalid_manifest",
      place,
      `the manifests up to here have more than ${EVENT_TOKENS_MAX} names, values and signs: make several events of them`,
    );
  }
  return reading;
}

/** Turns what is wrong with a text into an error that says where it stands. */
function within<Result>(
  text: string,
  place: Place,
  { act, hint = "" }: {
    readonly act: () => Result;
    readonly hint?: string;
  },
): Result {
  try {
    return act();
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

/**
 * A List as `kubectl get -o yaml` prints one: it has items and no name of its
 * own. `List` itself is never an object, so that one may have a name.
 */
function isList(value: { readonly [key: string]: Value }): boolean {
  const { apiVersion, kind, metadata, items } = value;
  if (typeof kind !== "string" || !kind.endsWith("List")) return false;
  const named = isMapping(metadata) && metadata.name !== undefined &&
    !(apiVersion === "v1" && kind === "List");
  return !named && (Array.isArray(items) || items === null);
}

/** The objects in a document: one, or those of a List. */
function* objectsIn(
  text: string,
  reading: Reading,
  { place, work }: { readonly place: Place; readonly work: Work },
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
    const body = within(text, place, {
      act: () => withoutStringData(value, text, reading),
    });
    yield manifestOf(value, body, place);
    return;
  }
  const items = Array.isArray(value.items) ? value.items : [];
  for (const [index, slice] of reading.items().entries()) {
    const itemPlace = { ...place, line: place.line + slice.line };
    const item = read(slice.text, itemPlace, { work, hint: ITEM_HINT });
    // What is sent must be what was read here: an anchor outside may have changed it.
    if (!isDeepStrictEqual(item.value, items[index])) {
      throw refuse(
        "invalid_yaml",
        itemPlace,
        `this item of a List cannot stand alone${ITEM_HINT}`,
      );
    }
    yield* objectsIn(slice.text, item, { place: itemPlace, work });
  }
}

const ITEM_HINT =
  "; the items of a List cannot share anchors, make them documents";

function* objectsOf(
  manifest: unknown,
  number: number,
  work: Work,
): Generator<Manifest> {
  const first: Place = { manifest: number, document: 1, line: 1 };
  const isText = typeof manifest === "string";
  const source = isText ? manifest : JSON.stringify(manifest);
  const long = isText ? undefined : longIn(source);
  if (long !== undefined) {
    throw refuse(
      "invalid_manifest",
      first,
      `it holds the integer ${long}, which may have been another one, as JSON numbers have 53 bits; send it as text`,
    );
  }
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
    const reading = read(text, place, { work });
    if (reading.value !== null) {
      yield* objectsIn(text, reading, { place, work });
    }
  }
}

/** Reads the objects of an event one after the other, as many as it may have. */
function* objectsOfEvent(manifests: readonly unknown[]): Generator<Manifest> {
  if (manifests.length > MANIFESTS_MAX) {
    throw new TransporterError(
      "invalid_manifest",
      `Cannot accept ${manifests.length} manifests: an event takes at most ${MANIFESTS_MAX}`,
    );
  }
  const work: Work = { tokens: 0 };
  let count = 0;
  for (const [index, manifest] of manifests.entries()) {
    for (const object of objectsOf(manifest, index + 1, work)) {
      if (++count > OBJECTS_MAX) {
        throw new TransporterError(
          "invalid_manifest",
          `Cannot accept more than ${OBJECTS_MAX} objects in an event: make several events of them`,
        );
      }
      yield object;
    }
  }
  if (count === 0) {
    throw new TransporterError(
      "invalid_manifest",
      "Cannot accept the manifests: there is no object in them",
    );
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
  const objects = [...objectsOfEvent(manifests)];
  refuseTwice(objects);
  return objects;
}

/** How long manifests are read before others get their turn, in milliseconds. */
const TURN_MS = 20;

/**
 * Checks the manifests of a payload, with pauses: 8 MiB of YAML take seconds,
 * in which a control plane has others to answer.
 *
 * @param manifests As for {@linkcode readManifests}.
 * @param check What else is wrong with an object; throws.
 * @returns The objects, as {@linkcode readManifests} gives them.
 * @throws {TransporterError} As {@linkcode readManifests}.
 */
export async function checkManifests(
  manifests: readonly unknown[],
  check: (object: Manifest) => void = () => {},
): Promise<readonly Manifest[]> {
  const objects: Manifest[] = [];
  let turnedAt = performance.now();
  for (const object of objectsOfEvent(manifests)) {
    check(object);
    objects.push(object);
    if (performance.now() - turnedAt < TURN_MS) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    turnedAt = performance.now();
  }
  refuseTwice(objects);
  return objects;
}

/**
 * Refuses objects that are there twice: which one would win is a matter of
 * luck. Objects that have no name yet are passed over.
 *
 * @throws {TransporterError} `invalid_manifest`, naming the object and both places.
 */
export function refuseTwice(objects: readonly Manifest[]): void {
  const seen = new Map<string, Manifest>();
  for (const object of objects) {
    if (object.name === "") continue;
    const key = objectKey(object);
    const other = seen.get(key);
    if (other !== undefined) {
      throw refuse(
        "invalid_manifest",
        object.place,
        `${describeObject(object)} is there already, in ${
          describePlace(other.place)
        }`,
      );
    }
    seen.set(key, object);
  }
}
