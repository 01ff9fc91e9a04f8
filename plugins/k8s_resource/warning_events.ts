import { type Fields, recordOf } from "./ready_parts.ts";
import type { Reader } from "./reader.ts";

/** Events of one object that are read, and told. */
const EVENTS = { read: 50, told: 3 } as const;

/** Characters of an Event that are told. */
const CHARS_MAX = 200;

/** Says nothing that the pod does not say of itself. */
const NOISE = new Set<unknown>(["BackOff"]);

/** When it happened last, as text that sorts. */
function timeOf(
  { series, eventTime, lastTimestamp, metadata }: Fields,
): string {
  return String(
    recordOf(series).lastObservedTime ?? lastTimestamp ?? eventTime ??
      recordOf(metadata).creationTimestamp ?? "",
  );
}

function short(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= CHARS_MAX ? line : `${line.slice(0, CHARS_MAX)}…`;
}

/**
 * What the last warnings about an object say, the newest first, each once:
 * `FailedMount: secret "a" not found`.
 *
 * @param uid The object's uid.
 * @param namespace Its namespace; empty when it has none.
 * @param reader Reads them.
 */
export async function warningsAbout(
  uid: string,
  namespace: string,
  reader: Reader,
): Promise<readonly string[]> {
  const found = await reader.list(
    `/api/v1/namespaces/${namespace || "default"}/events`,
    {
      fieldSelector: `involvedObject.uid=${uid},type=Warning`,
      limit: String(EVENTS.read),
    },
  );
  const texts = (found ?? [])
    .filter(({ reason }) => !NOISE.has(reason))
    .toSorted((a, b) => timeOf(a) < timeOf(b) ? 1 : -1)
    .map(({ reason, message }) => short(`${reason}: ${message ?? ""}`));
  return [...new Set(texts)].slice(0, EVENTS.told);
}
