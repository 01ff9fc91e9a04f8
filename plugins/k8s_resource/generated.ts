import { createHash } from "node:crypto";
import { type Manifest, refuse } from "./manifest.ts";
import { readYaml } from "./yaml_document.ts";
import { Unreadable } from "./yaml_value.ts";

/** Characters of a name, as the server bounds those it makes up. @see {@link https://github.com/kubernetes/apiserver/blob/master/pkg/storage/names/generate.go} */
const NAME_CHARS_MAX = 63;

/** Characters of the hash: 48 bits, so that two events do not meet. */
const HASH_CHARS = 12;

/**
 * Names an object that has `generateName`. The server would take another name
 * each time; this one is the same whenever the event runs, so that a repeat
 * finds the object.
 *
 * @param object The object; one that has a name comes back as it is.
 * @param of Which event, and which of its objects it is, from 0.
 * @throws {TransporterError} `invalid_yaml`: the name cannot be set, as anchors are shared.
 */
export function withName(
  object: Manifest,
  of: { readonly eventId: string; readonly index: number },
): Manifest {
  const { generateName, body, place } = object;
  if (generateName === undefined) return object;
  const hash = createHash("sha256").update(`${of.eventId}/${of.index}`)
    .digest("hex").slice(0, HASH_CHARS);
  const prefix = generateName.slice(0, NAME_CHARS_MAX - HASH_CHARS);
  const name = prefix.toWellFormed() + hash;
  try {
    const edited = readYaml(body).edit({
      at: ["metadata"],
      instead: { generateName: { name, generateName }, name: {} },
    });
    return { ...object, name, body: edited };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw refuse("invalid_yaml", place, error.message, error);
  }
}
