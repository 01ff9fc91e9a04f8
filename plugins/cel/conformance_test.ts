import { deepStrictEqual } from "node:assert/strict";
import { CelError, compile, CompileError, DYN, Meter } from "./mod.ts";
import { showMoment } from "./time.ts";
import {
  adapt,
  Double,
  Duration,
  keysOf,
  kindOf,
  lookUp,
  Timestamp,
  Uint,
} from "./value.ts";

const FOLDER = new URL("./testdata/", import.meta.url);

/** A line of the table: an expression, and what the API server's own library says of it. */
interface Row {
  readonly expr: string;
  readonly object?: unknown;
  readonly refused?: string;
  readonly value?: string;
  readonly error?: string;
  readonly cost?: number;
}

/** What became of an expression, as far as it is compared. */
type Outcome = {
  readonly [Key in "refused" | "value" | "error" | "cost"]?:
    | Row[Key]
    | undefined;
};

/** Expressions of which this says something else, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  ".5 + .5": "a number has to begin with a digit",
  'type(ip("192.168.0.1")) == net.IP': "types of libraries have no names",
  'type(cidr("192.168.0.0/24")) == net.CIDR':
    "types of libraries have no names",
  "'%s'.format([[1, 'a']])": "only the list that is formatted may be mixed",
  "object.a[[]]": "a key that cannot be one is an error when it runs",
  "object.a.join(',')": "the error names the item",
  "[1, 2][object.spec.weight]": "the error names the type, not the value",
  "dyn({}).flatten()": "the text of the error",
  "dyn({}).flatten(0)": "the text of the error",
  "[].flatten(dyn('1'))": "an internal error there",
  "[].sortBy(e, e) == []": "the cost of nothing",
  "object.spec.hostNetwork == false && object.spec.replicas == 4":
    "the cost of an error on its way",
  "object.spec.hostNetwork == false || object.spec.replicas == 3":
    "the cost of an error on its way",
  "-(1)": "a literal below zero costs nothing, also in parentheses",
};

/** Why an address cannot be read is told in other words. */
const ADDRESS_REGEXP = /^.*(?:ParseAddr|ParsePrefix)\(/;

function show(raw: unknown): string {
  const value = adapt(raw);
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null) return "null";
  if (value instanceof Double) return JSON.stringify(value.value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return showMoment(value);
  if (value instanceof Duration) return showDuration(value);
  if (Array.isArray(value)) return `[${value.map(show).join(",")}]`;
  if (kindOf(value) === "map") {
    const entries = keysOf(value).map((key) =>
      `${show(key)}:${show(lookUp(value, key))}`
    );
    return `{${entries.sort().join(",")}}`;
  }
  return typeof value === "object" ? kindOf(value) : String(value);
}

/** As Go prints it; the table has few. */
function showDuration({ nanos }: Duration): string {
  const seconds = Number(nanos) / 1e9;
  const [hours, rest] = [Math.trunc(seconds / 3600), seconds % 3600];
  const minutes = Math.trunc(rest / 60);
  const head = hours === 0 ? "" : `${hours}h`;
  const middle = hours === 0 && minutes === 0 ? "" : `${minutes}m`;
  return `${head}${middle}${rest % 60}s`;
}

function outcome({ expr, object = null }: Row): Outcome {
  let program;
  try {
    program = compile(expr, { object: DYN, oldObject: DYN, params: DYN });
  } catch (error) {
    if (error instanceof CompileError) return { refused: "" };
    throw error;
  }
  const meter = new Meter();
  try {
    const value = show(program.run([object, null, null], meter));
    return { value, cost: meter.cost };
  } catch (error) {
    if (error instanceof CelError) return { error: error.message };
    throw error;
  }
}

/** What is compared: not why something is refused, nor what it cost until it went wrong. */
function expected({ refused, value, error, cost }: Row): Outcome {
  if (refused !== undefined) return { refused: "" };
  return value === undefined ? { error } : { value, cost };
}

function isSame(found: Outcome, wanted: Outcome): boolean {
  const address = ADDRESS_REGEXP.exec(wanted.error ?? "");
  if (address !== null) return found.error?.startsWith(address[0]) ?? false;
  // A map has no order there.
  const sorted = (row: Outcome) =>
    JSON.stringify(
      row,
      (_key, value) =>
        typeof value === "string" && /^\["/.test(value)
          ? [...JSON.parse(value)].sort()
          : value,
    );
  return sorted(found) === sorted(wanted);
}

Deno.test("an expression means and costs what it does on an API server", async () => {
  const text = await Deno.readTextFile(new URL("conformance.jsonl", FOLDER));
  const pod: unknown = JSON.parse(
    await Deno.readTextFile(new URL("pod.json", FOLDER)),
  );
  const different: Record<string, unknown> = {};
  for (const line of text.trim().split("\n")) {
    const row: Row = JSON.parse(line);
    const found = outcome(row.object === "pod" ? { ...row, object: pod } : row);
    const wanted = expected(row);
    if (isSame(found, wanted)) continue;
    different[row.expr] = row.expr in OTHERWISE
      ? OTHERWISE[row.expr]
      : { found, wanted };
  }
  deepStrictEqual(different, OTHERWISE);
});
