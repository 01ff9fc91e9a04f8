import type { Meter } from "./meter.ts";
import { split, type Type, type } from "./type.ts";

/** What runs a function; the meter comes last. */
type Run = (...args: never[]) => unknown;

/** What a call costs, by what it is given. */
type CallCost = (...args: never[]) => number;

/** One way in which a function can be called. */
export interface Overload {
  readonly name: string;
  /** Whether it is called on a value: `a.f(b)`; the value is its first argument. */
  readonly isMember: boolean;
  readonly params: readonly Type[];
  readonly result: Type;
  run(args: readonly unknown[], meter: Meter): unknown;
  /** What a call costs, before it is made. */
  cost(args: readonly unknown[]): number;
  /** What it takes here, in tenths of a microsecond, before it is made. */
  work(args: readonly unknown[]): number;
  /** Whether `cost` counts also where the types of a call leave open which overload it is. */
  readonly isAlways: boolean;
}

/** What a call costs. */
export interface CostRule {
  /** As the API server has it; 1 unless it says otherwise. */
  readonly cost?: CallCost;
  /** Whether that counts, too, where the types of a call leave open which overload it is. */
  readonly isAlways?: boolean;
  /** What it takes here, beside going once through its texts, in tenths of a microsecond. */
  readonly work?: CallCost;
}

/** What any call takes. */
const BASE_WORK = 3;

function called(
  cost: CallCost | undefined,
  args: readonly unknown[],
): number | undefined {
  return (cost as ((...all: unknown[]) => number) | undefined)?.(...args);
}

/** Going once through each text that a call is given. */
function throughTexts(args: readonly unknown[]): number {
  let sum = 0;
  for (const each of args) {
    if (typeof each === "string" || each instanceof Uint8Array) {
      sum += each.length / 10;
    }
  }
  return sum;
}

/**
 * Declares a function.
 *
 * @param signature Such as `lists.range(int): list<int>`, and `string@find(string): string` for what is called on a value.
 */
export function declare(
  signature: string,
  run: Run,
  rule: CostRule = {},
): Overload {
  const at = signature.indexOf("(");
  const end = signature.lastIndexOf("): ");
  const head = signature.slice(0, at);
  const dot = head.indexOf("@");
  const params = split(signature.slice(at + 1, end)).map(type);
  return {
    name: dot === -1 ? head : head.slice(dot + 1),
    isMember: dot !== -1,
    params: dot === -1 ? params : [type(head.slice(0, dot)), ...params],
    result: type(signature.slice(end + 3)),
    run: (args, meter) =>
      (run as (...all: unknown[]) => unknown)(...args, meter),
    cost: (args) => called(rule.cost, args) ?? 1,
    work: (args) =>
      BASE_WORK + throughTexts(args) + (called(rule.work, args) ?? 0),
    isAlways: rule.isAlways ?? false,
  };
}

/** A cost that counts always. */
export function always(cost: CallCost, work?: CallCost): CostRule {
  return { cost, isAlways: true, ...(work === undefined ? {} : { work }) };
}
