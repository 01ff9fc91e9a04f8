import { traversal } from "./meter.ts";
import { always, declare, type Overload } from "./overload.ts";
import { CelError, CelValue, Double, isReadable, lengthOf } from "./value.ts";

const TYPE = "kubernetes.Quantity";

/** Nanos of a unit: nothing is kept that is smaller. */
const NANO = 1_000_000_000n;

const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const QUANTITY_REGEXP =
  /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,10}))?$/;

const INT_MAX = 2n ** 63n - 1n;

/** Powers of ten that are counted with; amounts are far smaller. */
const POWER_MAX = 1_000n;

/** An amount, exactly. */
class Quantity extends CelValue {
  readonly kind = TYPE;
  /** @param isShort Whether the API server counts it in 64 bits; only such an amount can be an integer there. */
  constructor(readonly nanos: bigint, readonly isShort: boolean) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof Quantity && other.nanos === this.nanos;
  }
}

/** A fraction in nanos, away from zero. */
function roundUp(number: bigint, by: bigint): bigint {
  return number / by + (number % by > 0n ? 1n : 0n);
}

function wrong(text: string): CelError {
  return new CelError(
    /^[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*$/.test(text)
      ? "unable to parse quantity's suffix"
      : "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );
}

/** Amounts that were read, as the same few are read again and again. */
const KNOWN = new Map<string, Quantity>();

/** How many are remembered, and how long they may be, so that it stays small. */
const KNOWN_MAX = 1_000;
const KNOWN_CHARS_MAX = 32;

function read(text: string): Quantity {
  const known = KNOWN.get(text);
  if (known !== undefined) return known;
  const quantity = readAnew(text);
  if (text.length <= KNOWN_CHARS_MAX) {
    if (KNOWN.size >= KNOWN_MAX) KNOWN.clear();
    KNOWN.set(text, quantity);
  }
  return quantity;
}

function readAnew(text: string): Quantity {
  const match = QUANTITY_REGEXP.exec(text);
  if (match === null) throw wrong(text);
  const [, sign, whole = "", fraction = "", binary, decimal, power] = match;
  if (whole === "" && fraction === "") throw wrong(text);
  let number = BigInt(`${whole}${fraction}` || "0") * NANO;
  let divisor = 10n ** BigInt(fraction.length);
  if (binary === undefined) {
    const thousands = DECIMAL.indexOf(decimal ?? "") - DECIMAL.indexOf("");
    const tens = power === undefined ? BigInt(thousands * 3) : BigInt(power);
    if (tens > POWER_MAX || tens < -POWER_MAX) throw wrong(text);
    if (tens < 0n) divisor *= 10n ** -tens;
    else number *= 10n ** tens;
  } else number *= 1024n ** BigInt(BINARY.indexOf(binary) + 1);
  let nanos = roundUp(number, divisor);
  if (binary !== undefined && nanos > INT_MAX * NANO) nanos = INT_MAX * NANO;
  const digits = whole.replace(/^0+/, "").length + fraction.length;
  const isShort = binary === undefined
    ? digits <= 18
    : fraction === "" && digits <= 14 - 3 * (BINARY.indexOf(binary) + 1);
  return new Quantity(sign === "-" ? -nanos : nanos, isShort);
}

function plus(a: Quantity, b: Quantity | bigint, sign: bigint): Quantity {
  const other = typeof b === "bigint" ? new Quantity(b * NANO, true) : b;
  return new Quantity(a.nanos + sign * other.nanos, a.isShort && other.isShort);
}

/** Whether a text is an amount. */
export function isQuantity(text: string): boolean {
  return isReadable(() => read(text));
}

function isInteger({ nanos, isShort }: Quantity): boolean {
  const whole = nanos / NANO;
  return isShort && nanos % NANO === 0n && whole <= INT_MAX &&
    whole >= -INT_MAX - 1n;
}

function order(a: Quantity, b: Quantity): bigint {
  return a.nanos < b.nanos ? -1n : a.nanos > b.nanos ? 1n : 0n;
}

/** Which of two amounts is more: above zero, the first. */
export function compareQuantities(a: string, b: string): number {
  return Number(order(read(a), read(b)));
}

const once = always((text: string) => traversal(lengthOf(text)));
const nominal = always(() => 1);

/** Amounts such as `500m` and `1Gi`. */
export const quantities: readonly Overload[] = [
  declare(`quantity(string): ${TYPE}`, read, once),
  declare("isQuantity(string): bool", isQuantity, once),
  declare(
    `sign(${TYPE}): int`,
    ({ nanos }: Quantity) => nanos > 0n ? 1n : nanos < 0n ? -1n : 0n,
    nominal,
  ),
  declare(`${TYPE}@isInteger(): bool`, isInteger, nominal),
  declare(`${TYPE}@asInteger(): int`, (value: Quantity) => {
    if (!isInteger(value)) {
      throw new CelError("cannot convert value to integer");
    }
    return value.nanos / NANO;
  }, nominal),
  declare(
    `${TYPE}@asApproximateFloat(): double`,
    ({ nanos }: Quantity) => new Double(Number(nanos) / 1e9),
    nominal,
  ),
  declare(
    `${TYPE}@isGreaterThan(${TYPE}): bool`,
    (a: Quantity, b: Quantity) => a.nanos > b.nanos,
    nominal,
  ),
  declare(
    `${TYPE}@isLessThan(${TYPE}): bool`,
    (a: Quantity, b: Quantity) => a.nanos < b.nanos,
    nominal,
  ),
  declare(`${TYPE}@compareTo(${TYPE}): int`, order, nominal),
  declare(
    `${TYPE}@add(${TYPE}): ${TYPE}`,
    (a: Quantity, b: Quantity) => plus(a, b, 1n),
    nominal,
  ),
  declare(
    `${TYPE}@add(int): ${TYPE}`,
    (a: Quantity, b: bigint) => plus(a, b, 1n),
    nominal,
  ),
  declare(
    `${TYPE}@sub(${TYPE}): ${TYPE}`,
    (a: Quantity, b: Quantity) => plus(a, b, -1n),
    nominal,
  ),
  declare(
    `${TYPE}@sub(int): ${TYPE}`,
    (a: Quantity, b: bigint) => plus(a, b, -1n),
    nominal,
  ),
];
