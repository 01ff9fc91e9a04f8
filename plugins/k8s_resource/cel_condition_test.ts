import { match, strictEqual, throws } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { readCondition } from "./cel_condition.ts";
import type { Fields } from "./ready_parts.ts";

const OBJECT: Fields = {
  apiVersion: "x.io/v1",
  kind: "Thing",
  metadata: { name: "a", generation: 3, managedFields: [{}] },
  spec: { replicas: 2 },
  status: {
    phase: "Running",
    replicas: 2,
    share: 0.5,
    ready: "yes",
    conditions: [{ type: "Ready", status: "True" }, { type: "Synced" }],
  },
};

/** A condition, and what it says of the object. */
const CASES: Readonly<Record<string, readonly [when: string, said: string]>> = {
  "text": ["self.status.phase == 'Running'", "ready: it is ready"],
  "integers": [
    "self.status.replicas + 1 > self.spec.replicas",
    "ready: it is ready",
  ],
  "doubles": ["self.status.share < 1.0", "ready: it is ready"],
  "a list": [
    "self.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
    "ready: it is ready",
  ],
  "a field that may be missing": [
    "has(self.status.done) || self.status.?phase.orValue('') == 'Running'",
    "ready: it is ready",
  ],
  "a generation that was seen": [
    "self.status.?observedGeneration.orValue(0) == self.metadata.generation",
    'waits: "self.status.?observedGeneration.orValue(0) == self.metadata.generation" is false',
  ],
  "loops one behind the other": [
    "size(self.status.conditions.filter(c, has(c.status)).filter(c, c.status == 'True')) == 1",
    "ready: it is ready",
  ],
  "a regular expression": [
    "self.status.phase.matches('^Run')",
    "ready: it is ready",
  ],
  "false": [
    "self.spec.replicas == 3",
    'waits: "self.spec.replicas == 3" is false',
  ],
  "a field that is missing": [
    "self.status.done",
    'waits: "self.status.done" cannot be told yet: no such key: done',
  ],
  "another type than thought": [
    "self.status.phase > 1",
    'waits: "self.status.phase > 1" cannot be told yet: no such overload',
  ],
  "no bool": [
    "self.status.ready",
    'waits: "self.status.ready" is neither true nor false',
  ],
  "what looks like an answer": [
    "self.status",
    'waits: "self.status" is neither true nor false',
  ],
  "how fields are owned": [
    "has(self.metadata.managedFields)",
    'waits: "has(self.metadata.managedFields)" is false',
  ],
};

Deno.test("readCondition() judges an object", async (t) => {
  for (const [name, [when, said]] of Object.entries(CASES)) {
    await t.step(name, () => {
      const { ready, failed, reason } = readCondition(when)(OBJECT);
      strictEqual(
        `${ready ? "ready" : failed ? "failed" : "waits"}: ${reason}`,
        said,
      );
    });
  }
});

/** An expression, and why it is refused. */
const REFUSED: Readonly<Record<string, readonly [when: string, why: RegExp]>> =
  {
    "no expression": ["self.status.phase ==", /Unexpected token: EOF$/],
    "an assignment": ["self.a = 1", /Unexpected character: =$/],
    "a type that does not fit": [
      "'a' + 1 == 2",
      /found no matching overload for '_\+_' applied to '\(string, int\)'$/,
    ],
    "an unknown variable": [
      "object.status.ok",
      /undeclared reference to 'object'$/,
    ],
    "an unknown function": [
      "self.a.soon()",
      /undeclared reference to 'soon'$/,
    ],
    "no bool": ["1 + 2", /it is of the type int, and bool is needed$/],
    "a regular expression that is none": [
      "self.a.matches('^(a+')",
      /invalid matches argument/,
    ],
    "a name for a part": [
      "cel.bind(a, self.x, a + a == a)",
      /undeclared reference to 'cel'$/,
    ],
    "too long": [
      Array.from({ length: 2_000 }, () => "self.a").join(" && "),
      /Exceeded maxAstNodes/,
    ],
  };

Deno.test("type errors and unparsable expressions are refused with invalid, and so is what may never end", async (t) => {
  for (const [name, [when, why]] of Object.entries(REFUSED)) {
    await t.step(name, () => {
      throws(() => readCondition(when), (error) => {
        if (!(error instanceof TransporterError)) throw error;
        strictEqual(error.code, "invalid");
        match(error.message, /^Cannot accept the condition "/);
        match(error.message, why);
        return true;
      });
    });
  }
});

/** A list of so many numbers. */
function listOf(length: number): Fields {
  return { items: Array.from({ length }, (_, index) => index) };
}

/** What may be asked of an object, and whether it is too much. */
const COSTS: Readonly<Record<string, readonly [string, Fields, boolean]>> = {
  "a list": ["self.items.all(x, x >= 0)", listOf(100_000), false],
  "the length of a list": ["size(self.items) > 1", listOf(500_000), false],
  "a list in a list": [
    "self.items.all(x, self.items.all(y, x >= y || y > x))",
    listOf(300),
    false,
  ],
  "a long list in a list": [
    "self.items.all(x, self.items.all(y, y >= 0))",
    listOf(5_000),
    true,
  ],
  "lists that are put together": [
    "(self.items + self.items + self.items).all(x, self.items.all(y, x >= 0))",
    listOf(600),
    true,
  ],
  "a comparison of all with all": [
    "self.items.all(x, self.items == self.items)",
    listOf(40_000),
    true,
  ],
  "a regular expression that would run for ever elsewhere": [
    "self.text.matches('^(a+)+$')",
    { text: "a".repeat(5_000_000) },
    true,
  ],
  "lists that are doubled": [
    "self.items.map(x, self.items.map(y, [x, y])).size() > 0",
    listOf(1_000),
    true,
  ],
  "a comparison with a literal": [
    "self.items.all(x, x != -1)",
    listOf(40_000),
    false,
  ],
  "a search in a long text": [
    "self.items.all(x, !self.text.contains('a'))",
    { ...listOf(2_000), text: "b".repeat(1_000_000) },
    true,
  ],
};

Deno.test("readCondition() judges nothing that would take long", async (t) => {
  for (const [name, [when, object, tooLarge]] of Object.entries(COSTS)) {
    await t.step(name, () => {
      const { ready, failed, reason } = readCondition(when)(object);
      strictEqual(failed === true, tooLarge, reason);
      strictEqual(ready, !tooLarge, reason);
      if (tooLarge) match(reason, /^it is too large to be judged by "/);
    });
  }
});
