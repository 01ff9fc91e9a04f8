import { traversal } from "./meter.ts";
import type { Meter } from "./meter.ts";
import { always, declare, type Overload } from "./overload.ts";
import { findAll, matches } from "./regex.ts";
import {
  CelError,
  kindOf,
  lengthOf,
  NONE,
  Optional,
  sizeOf,
  TypeValue,
} from "./value.ts";

/** What a regular expression costs on the API server. */
function regexCost(text: string, pattern: string): number {
  return traversal(1 + lengthOf(text)) * traversal(lengthOf(pattern), 0.25);
}

function sized(value: unknown): bigint {
  return BigInt(sizeOf(value));
}

const sizes = ["string", "bytes", "list", "map"].flatMap((kind) => [
  declare(`size(${kind}): int`, sized),
  declare(`${kind}@size(): int`, sized),
]);

const byRegex = always(regexCost);

function isNothing(value: unknown): boolean {
  return value === null || value === false || value === "" || value === 0n ||
    (["list", "map", "bytes"].includes(kindOf(value)) && sizeOf(value) === 0);
}

const optionals = [
  declare(
    "optional.of(dyn): optional_type<dyn>",
    (value: unknown) => new Optional(value),
  ),
  declare("optional.none(): optional_type<dyn>", () => NONE),
  declare(
    "optional.ofNonZeroValue(dyn): optional_type<dyn>",
    (value: unknown) => isNothing(value) ? NONE : new Optional(value),
  ),
  declare(
    "optional_type@hasValue(): bool",
    ({ value }: Optional) => value !== undefined,
  ),
  declare("optional_type@value(): dyn", ({ value }: Optional) => {
    if (value === undefined) throw new CelError("optional.none() dereference");
    return value;
  }),
  declare(
    "optional_type@orValue(dyn): dyn",
    ({ value }: Optional, other: unknown) =>
      value === undefined ? other : value,
    always(() => 0),
  ),
  declare(
    "optional_type@or(optional_type): optional_type<dyn>",
    (one: Optional, other: Optional) => one.value === undefined ? other : one,
    always(() => 0),
  ),
];

/** The language's own functions, and regular expressions. */
export const core: readonly Overload[] = [
  ...sizes,
  ...optionals,
  declare(
    "string@contains(string): bool",
    (text: string, part: string) => text.includes(part),
    {
      cost: (text: string, part: string) =>
        traversal(lengthOf(text)) * traversal(lengthOf(part)),
    },
  ),
  declare(
    "string@startsWith(string): bool",
    (text: string, part: string) => text.startsWith(part),
    { cost: (text: string) => traversal(lengthOf(text)) },
  ),
  declare(
    "string@endsWith(string): bool",
    (text: string, part: string) => text.endsWith(part),
    { cost: (text: string) => traversal(lengthOf(text)) },
  ),
  declare("string@matches(string): bool", matches, { cost: regexCost }),
  declare("matches(string, string): bool", matches, { cost: regexCost }),
  declare(
    "string@find(string): string",
    (text: string, pattern: string, meter: Meter) =>
      findAll(text, pattern, 1, meter)[0] ?? "",
    byRegex,
  ),
  declare(
    "string@findAll(string): list<string>",
    (text: string, pattern: string, meter: Meter) =>
      findAll(text, pattern, Infinity, meter),
    byRegex,
  ),
  declare(
    "string@findAll(string, int): list<string>",
    (text: string, pattern: string, most: bigint, meter: Meter) =>
      findAll(text, pattern, most < 0n ? Infinity : Number(most), meter),
    byRegex,
  ),
  declare("type(dyn): type", (value: unknown) => new TypeValue(kindOf(value))),
  declare("dyn(dyn): dyn", (value: unknown) => value),
];
