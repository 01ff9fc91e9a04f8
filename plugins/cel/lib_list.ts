import { calculate } from "./arithmetic.ts";
import { compare, contains, equal } from "./equal.ts";
import type { Meter } from "./meter.ts";
import { always, type CostRule, declare, type Overload } from "./overload.ts";
import { DYN } from "./type.ts";
import {
  adapt,
  CelError,
  CelValue,
  Double,
  Duration,
  keysOf,
  lookUp,
  Uint,
} from "./value.ts";

type List = readonly unknown[];

/** What going through a value and all that is in it costs. */
function traversalCost(raw: unknown): number {
  const value = adapt(raw);
  if (typeof value === "string") return Math.floor(value.length * 0.1);
  if (value instanceof Uint8Array) return Math.floor(value.length * 0.1);
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, each) => sum + traversalCost(each), 0);
  }
  if (typeof value !== "object" || value === null) return 1;
  if (value instanceof CelValue) return 1;
  return keysOf(value).reduce<number>(
    (sum, key) => sum + traversalCost(key) + traversalCost(lookUp(value, key)),
    0,
  );
}

/** Looking at each item takes longer here. */
const ITEM_WORK = 6;

const each = (list: unknown) =>
  Array.isArray(list) ? list.length * ITEM_WORK : 0;
const whole = always(traversalCost, each);

/** What making a list of such a size costs. */
function made(size: number, factor = 1): number {
  return Math.floor(size * factor) + 11;
}

/** What comparing each item with every other costs. */
export function selfCompared(list: List): number {
  const isText = typeof list[0] === "string" || list[0] instanceof Uint8Array;
  return made(list.length ** 2, list.length === 0 ? 2 : isText ? 2.1 : 2);
}

const bySize = { cost: (list: List) => made(list.length), work: each };
const bySquare = { cost: selfCompared, work: each };

/** Whether one may come before the other; what cannot be compared may, as on an API server. */
function mayPrecede(a: unknown, b: unknown): boolean {
  try {
    return compare(a, b) <= 0;
  } catch (error) {
    if (error instanceof CelError) return true;
    throw error;
  }
}

function isSorted(list: List): boolean {
  return list.every((each, index) =>
    index === 0 || mayPrecede(list[index - 1], each)
  );
}

function best(name: string, sign: number): (list: List) => unknown {
  return (list) => {
    if (list.length === 0) {
      throw new CelError(`${name} called on empty list`);
    }
    return list.map(adapt).reduce((kept, each) =>
      compare(each, kept) * sign > 0 ? each : kept
    );
  };
}

function sum(list: List): unknown {
  const [first, ...others] = list.map(adapt);
  if (first === undefined) return 0n;
  const zero = first instanceof Double
    ? new Double(0)
    : first instanceof Uint
    ? new Uint(0n)
    : first instanceof Duration
    ? new Duration(0n)
    : 0n;
  return [first, ...others].reduce((a, b) => calculate("+", a, b), zero);
}

function place(list: List, item: unknown, meter: Meter): bigint {
  return BigInt(list.findIndex((each) => equal(adapt(each), item, meter)));
}

function lastPlace(list: List, item: unknown, meter: Meter): bigint {
  return BigInt(
    list.findLastIndex((each) => equal(adapt(each), item, meter)),
  );
}

function flatten(list: List, depth: bigint): unknown[] {
  if (depth < 0n) throw new CelError("level must be non-negative");
  return list.flatMap((item: unknown) =>
    Array.isArray(item) && depth > 0n ? flatten(item, depth - 1n) : [item]
  );
}

function slice(list: List, start: bigint, end: bigint): unknown[] {
  const cannot = `cannot slice(${start}, ${end}),`;
  if (start < 0n || end < 0n) {
    throw new CelError(`${cannot} negative indexes not supported`);
  }
  if (start > end) {
    throw new CelError(
      `${cannot} start index must be less than or equal to end index`,
    );
  }
  if (end > BigInt(list.length)) {
    throw new CelError(`${cannot} list is length ${list.length}`);
  }
  return list.slice(Number(start), Number(end));
}

function sort(list: List): unknown[] {
  return [...list].sort(compare);
}

function distinct(list: List, meter: Meter): unknown[] {
  const kept: unknown[] = [];
  for (const each of list) {
    if (!contains(adapt(each), kept, meter)) kept.push(each);
  }
  return kept;
}

/** Numbers that a list of them has at most; the cost would stop it, too. */
const RANGE_MAX = 1_000_000n;

function range(count: bigint): bigint[] {
  if (count > RANGE_MAX) {
    throw new CelError(`lists.range: ${count} numbers are too many`);
  }
  return Array.from(
    { length: Math.max(0, Number(count)) },
    (_, at) => BigInt(at),
  );
}

function within(part: List, list: List, meter: Meter): boolean {
  return part.every((each) => contains(adapt(each), list, meter));
}

function product(factor: number): CostRule {
  return { cost: (a: List, b: List) => 1 + a.length * b.length * factor };
}

const sets = [
  declare(
    "sets.contains(list, list): bool",
    (list: List, part: List, meter: Meter) => within(part, list, meter),
    product(1),
  ),
  declare(
    "sets.intersects(list, list): bool",
    (a: List, b: List, meter: Meter) =>
      a.some((each) => contains(adapt(each), b, meter)),
    product(1),
  ),
  declare(
    "sets.equivalent(list, list): bool",
    (a: List, b: List, meter: Meter) =>
      within(a, b, meter) && within(b, a, meter),
    product(2),
  ),
];

/** A function of a list that gives one of its items. */
function item(name: string, run: (list: List) => unknown): Overload {
  return { ...declare(`list@${name}(): dyn`, run, whole), result: DYN };
}

/** Lists, as Kubernetes and the third version of the extension have them, and sets. */
export const lists: readonly Overload[] = [
  ...sets,
  item("sum", sum),
  item("max", best("max", 1)),
  item("min", best("min", -1)),
  declare("list@isSorted(): bool", isSorted, whole),
  declare("list@indexOf(dyn): int", place, whole),
  declare("list@lastIndexOf(dyn): int", lastPlace, whole),
  declare(
    "list@flatten(): list<dyn>",
    (list: List) => flatten(list, 1n),
    bySize,
  ),
  declare(
    "list@flatten(int): list<dyn>",
    (list: List, depth: bigint) => flatten(list, depth),
    {
      cost: (list: List, depth: bigint) => made(list.length, Number(depth)),
      work: each,
    },
  ),
  declare("list@slice(int, int): list<dyn>", slice, {
    cost: (_list: List, start: bigint, end: bigint) =>
      made(Math.max(0, Number(end - start))),
  }),
  declare(
    "list@reverse(): list<dyn>",
    (list: List) => list.toReversed(),
    bySize,
  ),
  declare("list@sort(): list<dyn>", sort, bySquare),
  declare("list@distinct(): list<dyn>", distinct, bySquare),
  declare("lists.range(int): list<int>", range, {
    cost: (count: bigint) => made(Math.max(0, Number(count))),
    work: (count: bigint) => Number(count) * ITEM_WORK,
  }),
];
