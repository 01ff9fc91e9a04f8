const BINARY = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

const QUANTITY_REGEXP =
  /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,3}))?$/;

/** How many there are at most of a suffix before the next one is used. */
const STEP = 1024;

/**
 * Reads an amount as Kubernetes writes it: `100m`, `1.5Gi`, `2e3`.
 *
 * @param value What stands in a manifest.
 * @returns The number; `undefined` when it is none.
 * @see {@link https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/}
 */
export function readQuantity(value: unknown): number | undefined {
  const [, digits, binary, decimal, exponent] =
    QUANTITY_REGEXP.exec(String(value)) ?? [];
  if (digits === undefined) return undefined;
  const number = Number(digits);
  if (binary !== undefined) {
    return number * STEP ** (BINARY.indexOf(binary) + 1);
  }
  const thousands = DECIMAL.indexOf(decimal ?? "") - DECIMAL.indexOf("");
  return number *
    10 ** (exponent === undefined ? thousands * 3 : Number(exponent));
}

/** Writes an amount for people. */
export function showQuantity(value: number): string {
  const power = BINARY.findLastIndex((_, index) =>
    value > 0 && value % STEP ** (index + 1) === 0
  );
  return power === -1
    ? String(Number(value.toFixed(3)))
    : `${value / STEP ** (power + 1)}${BINARY[power]}`;
}
