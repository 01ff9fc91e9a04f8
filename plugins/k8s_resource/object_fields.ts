import type { Manifest } from "./manifest.ts";
import { type Fields, recordOf } from "./ready_parts.ts";
import { readYaml } from "./yaml_document.ts";

/** The object in a manifest; its text is read for it. */
export function fieldsOf({ body }: Pick<Manifest, "body">): Fields {
  return recordOf(readYaml(body).value);
}
