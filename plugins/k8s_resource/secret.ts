import type { Mapping } from "./yaml_edit.ts";
import type { Reading } from "./yaml_document.ts";
import { isMapping, type Value } from "./yaml_value.ts";

function isText(value: Value): value is string | null {
  return typeof value === "string" || value === null;
}

function base64(text: string | null): string {
  return new TextEncoder().encode(text ?? "").toBase64();
}

/**
 * The text of a Secret with its `stringData` as `data`. The server keeps what
 * it makes of `stringData` when a later apply leaves the key out, as nobody
 * owns it in `data` (seen on 1.36.3). The text of anything else comes back as
 * it is; so does that of a Secret the server refuses, whose answer names the key.
 *
 * @param value The object.
 * @param text Its text.
 * @param reading The text, read.
 * @throws {Unreadable} It cannot be rewritten, as it shares anchors.
 */
export function withoutStringData(
  value: Mapping,
  text: string,
  reading: Reading,
): string {
  const { apiVersion, kind, stringData, data } = value;
  if (apiVersion !== "v1" || kind !== "Secret" || !isMapping(stringData)) {
    return text;
  }
  const old = data ?? {};
  const entries = Object.entries(stringData);
  if (
    entries.length === 0 || !isMapping(old) ||
    !Object.values(old).every(isText)
  ) return text;
  const made: [string, string][] = [];
  for (const [key, each] of entries) {
    if (!isText(each)) return text;
    made.push([key, base64(each)]);
  }
  return reading.edit({
    instead: {
      stringData: { data: { ...old, ...Object.fromEntries(made) } },
      data: {},
    },
  });
}
