import type { LiveObject } from "./change.ts";
import { metadataOf } from "./change.ts";
import { fieldsOf } from "./object_fields.ts";
import type { PlannedObject } from "./plan.ts";
import { recordOf } from "./ready_parts.ts";
import { readYaml } from "./yaml_document.ts";

const KEY = "resourceVersion";

/** The text, for that version of the object. */
function pinnedText(body: string, version: string): string {
  const pair = { [KEY]: version };
  const reading = readYaml(body);
  const { metadata } = recordOf(reading.value);
  return reading.edit({
    at: ["metadata"],
    ...(KEY in recordOf(metadata)
      ? { instead: { [KEY]: pair } }
      : { add: pair }),
  });
}

/** The object, for that version of it. */
export function pinned(object: PlannedObject, version: string): PlannedObject {
  const { ignored } = object;
  return {
    ...object,
    pinned: true,
    unpinned: object.body,
    body: pinnedText(object.body, version),
    ignored: ignored &&
      { ...ignored, body: pinnedText(ignored.body, version) },
  };
}

/** Whether a manifest is for another version of the object than there is. */
export function isForAnother(
  object: PlannedObject,
  live: LiveObject,
): boolean {
  if (!object.pinned) return false;
  const { uid, resourceVersion } = recordOf(fieldsOf(object).metadata);
  const now = metadataOf(live);
  return (uid ?? now.uid) !== now.uid ||
    (resourceVersion ?? now.resourceVersion) !== now.resourceVersion;
}

/** The object as it is sent once we have made another version of the one that its manifest names. */
export function repinned(
  sent: PlannedObject,
  version: string,
): PlannedObject {
  const isNamed = sent.pinned && KEY in recordOf(fieldsOf(sent).metadata);
  return isNamed ? { ...sent, body: pinnedText(sent.body, version) } : sent;
}
