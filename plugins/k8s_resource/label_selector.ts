import { type Fields, recordOf, recordsOf } from "./ready_parts.ts";

function labels(pairs: Fields): string[] {
  return Object.entries(pairs).map(([key, value]) => `${key}=${value}`);
}

/** One requirement, as a query writes it. */
function requirement({ key, operator, values }: Fields): string {
  const list = `(${Array.isArray(values) ? values.join(",") : ""})`;
  switch (operator) {
    case "In":
      return `${key} in ${list}`;
    case "NotIn":
      return `${key} notin ${list}`;
    case "DoesNotExist":
      return `!${key}`;
    default:
      return `${key}`;
  }
}

/**
 * The selector of a workload, as a query writes it.
 *
 * @param selector Its `spec.selector`; that of a ReplicationController is plain labels.
 * @param more Labels besides.
 * @see {@link https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors}
 */
export function selectorOf(selector: Fields, more: Fields = {}): string {
  const { matchLabels, matchExpressions } = selector;
  const isPlain = matchLabels === undefined && matchExpressions === undefined;
  return [
    ...labels(isPlain ? selector : recordOf(matchLabels)),
    ...recordsOf(matchExpressions).map(requirement),
    ...labels(more),
  ].join(",");
}
