import { applySetId } from "./apply_set.ts";
import { PART_OF } from "./options.ts";
import { type Manifest, refuse, refuseLarge } from "./manifest.ts";
import { readYaml } from "./yaml_document.ts";
import type { Edit } from "./yaml_edit.ts";
import { isMapping, Unreadable, type Value } from "./yaml_value.ts";

/** An id of a set, as long as all of them are. */
const SOME_ID = applySetId({ namespace: "", name: "" });

/**
 * Refuses an object that can be in no ApplySet. Which one it is going to be in
 * only an agent knows, as the namespace may be its own.
 *
 * @throws {TransporterError} As {@linkcode withMembership}.
 */
export function checkMembership(object: Manifest): void {
  const given = labelIn(readYaml(object.body).value);
  if (given === undefined) withMembership(object, SOME_ID);
}

/** How the label gets into an object, by what labels it has; `undefined` when it has it. */
function editFor(value: Value, id: string): Edit | undefined {
  const metadata = isMapping(value) ? value.metadata : undefined;
  const labels = isMapping(metadata) ? metadata.labels : undefined;
  const pair = { [PART_OF]: id };
  if (labels === undefined) return { at: ["metadata"], add: { labels: pair } };
  if (labels !== null && !isMapping(labels)) return undefined; // the server says what is wrong
  if (labels === null || Object.keys(labels).length === 0) {
    return { at: ["metadata"], instead: { labels: { labels: pair } } };
  }
  return labels[PART_OF] === id
    ? undefined
    : { at: ["metadata", "labels"], add: pair };
}

function labelIn(value: Value): Value | undefined {
  const metadata = isMapping(value) ? value.metadata : undefined;
  const labels = isMapping(metadata) ? metadata.labels : undefined;
  return isMapping(labels) ? labels[PART_OF] : undefined;
}

/**
 * Makes an object a member of an ApplySet, by a label in its text; every other
 * byte stays.
 *
 * @param object The object; its name is known.
 * @param id The set's.
 * @throws {TransporterError} `invalid_manifest`: it names another set, or is too large with the label;
 * `invalid_yaml`: the label cannot be set, as anchors are shared.
 */
export function withMembership(object: Manifest, id: string): Manifest {
  const { body, place } = object;
  const reading = readYaml(body);
  const given = labelIn(reading.value);
  if (given !== undefined && given !== id) {
    throw refuse(
      "invalid_manifest",
      place,
      `its label "${PART_OF}" names another ApplySet; take it out, or send it for that one`,
    );
  }
  const edit = editFor(reading.value, id);
  if (edit === undefined) return object;
  try {
    const edited = reading.edit(edit);
    refuseLarge(edited, place);
    return { ...object, body: edited };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw refuse("invalid_yaml", place, error.message, error);
  }
}
