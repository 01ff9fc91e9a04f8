import { traversal } from "./meter.ts";
import { always, declare, type Overload } from "./overload.ts";
import { CelError, CelValue, isReadable, lengthOf } from "./value.ts";

const TYPE = "kubernetes.Semver";

const NUMBER = "(0|[1-9]\\d*)";
const SEMVER_REGEXP = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z.-]*))?(?:\\+([0-9A-Za-z.-]*))?$`,
);

const UINT_MAX = 2n ** 64n - 1n;

/** A version by the rules of semver. */
class Semver extends CelValue {
  readonly kind = TYPE;
  constructor(
    readonly numbers: readonly [bigint, bigint, bigint],
    readonly pre: readonly string[],
  ) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof Semver && order(this, other) === 0n;
  }
}

function isNumber(part: string): boolean {
  return /^\d+$/.test(part);
}

function read(text: string): Semver {
  const [, major, minor, patch, pre, build] = SEMVER_REGEXP.exec(text) ?? [];
  const parts = pre?.split(".") ?? [];
  const isRight =
    parts.every((part) =>
      part !== "" && !(isNumber(part) && /^0\d/.test(part))
    ) && !(build?.split(".") ?? []).includes("");
  const numbers = [major, minor, patch].map((each) => BigInt(each ?? "0"));
  if (
    major === undefined || !isRight || numbers.some((each) => each > UINT_MAX)
  ) throw new CelError(`No Major.Minor.Patch elements found`);
  return new Semver(numbers as [bigint, bigint, bigint], parts);
}

/** Adds what a short version leaves out, and takes away a `v` and zeros in front. */
function normalized(text: string): string {
  const parts = text.replace(/^v/, "").split(".");
  const three = [...parts.slice(0, 2), parts.slice(2).join(".")]
    .slice(0, Math.min(parts.length, 3))
    .map((part) => part.replace(/^0+(?=\d)/, ""));
  if (three.length < 3 && /[+-]/.test(three.at(-1) ?? "")) {
    throw new CelError(
      "short version cannot contain PreRelease/Build meta data",
    );
  }
  return [...three, "0", "0"].slice(0, 3).join(".");
}

function sign<T extends string | bigint | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function orderParts(a: string, b: string): number {
  const [x, y] = [isNumber(a), isNumber(b)];
  if (x && y) return sign(BigInt(a), BigInt(b));
  return x === y ? sign(a, b) : x ? -1 : 1;
}

function order(a: Semver, b: Semver): bigint {
  for (const [index, number] of a.numbers.entries()) {
    const result = sign(number, b.numbers[index]!);
    if (result !== 0) return BigInt(result);
  }
  if (a.pre.length === 0 || b.pre.length === 0) {
    return BigInt(sign(b.pre.length === 0 ? 0 : 1, a.pre.length === 0 ? 0 : 1));
  }
  for (const [index, part] of a.pre.entries()) {
    const other = b.pre[index];
    const result = other === undefined ? 1 : orderParts(part, other);
    if (result !== 0) return BigInt(result);
  }
  return BigInt(sign(a.pre.length, b.pre.length));
}

function readAs(text: string, isTolerant: unknown): Semver {
  return read(isTolerant === true ? normalized(text) : text);
}

function isSemver(text: string, isTolerant: unknown): boolean {
  return isReadable(() => readAs(text, isTolerant));
}

const once = always((text: string) => traversal(lengthOf(text)));
const nominal = always(() => 1);

/** Versions by the rules of semver. */
export const versions: readonly Overload[] = [
  declare(`semver(string): ${TYPE}`, readAs, once),
  declare(`semver(string, bool): ${TYPE}`, readAs, once),
  declare("isSemver(string): bool", isSemver, once),
  declare("isSemver(string, bool): bool", isSemver, once),
  ...["major", "minor", "patch"].map((name, index) =>
    declare(
      `${TYPE}@${name}(): int`,
      ({ numbers }: Semver) => numbers[index],
      nominal,
    )
  ),
  declare(
    `${TYPE}@isGreaterThan(${TYPE}): bool`,
    (a: Semver, b: Semver) => order(a, b) > 0n,
    nominal,
  ),
  declare(
    `${TYPE}@isLessThan(${TYPE}): bool`,
    (a: Semver, b: Semver) => order(a, b) < 0n,
    nominal,
  ),
  declare(`${TYPE}@compareTo(${TYPE}): int`, order, nominal),
];
