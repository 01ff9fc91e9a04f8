import { testRule } from "./rule_suite.ts";

const message = (text: string) =>
  `throw new TransporterError("invalid", ${text});`;

testRule("error-message", [
  {
    name: "a sentence",
    at: "cp/a.ts",
    source: message(
      '`Cannot accept event "${id}" as ttl must be > 0: current value is ${ttl}`',
    ),
  },
  {
    name: "a placeholder first",
    at: "cp/a.ts",
    source: message("`${where} is missing`"),
  },
  {
    name: "a value first",
    at: "cp/a.ts",
    source: message('`"${name}" is missing`'),
  },
  {
    name: "a message made elsewhere",
    at: "cp/a.ts",
    source: message("reason.message"),
  },
  {
    name: "the possessive",
    at: "cp/a.ts",
    source: message('"Cannot read the agent\'s journal"'),
  },
  {
    name: "any message in a test",
    at: "cp/a_test.ts",
    source: message('"boom."'),
  },
  {
    name: "another error",
    at: "cp/a.ts",
    source: `throw new Refusal("invalid", "boom.");`,
  },
  {
    name: "a small letter first",
    at: "cp/a.ts",
    source: message('"cannot read"'),
    says: "capital letter",
  },
  {
    name: "a small letter after a space",
    at: "cp/a.ts",
    source: message('" cannot read"'),
    says: "capital letter",
  },
  {
    name: "a final period",
    at: "cp/a.ts",
    source: message('"Cannot read."'),
    says: "without a period",
  },
  {
    name: "a final period after a placeholder",
    at: "cp/a.ts",
    source: message("`Cannot read ${name}.`"),
    says: "without a period",
  },
  {
    name: "a contraction",
    at: "cp/a.ts",
    source: message('"Journal can\'t be read"'),
    says: "contractions",
  },
  {
    name: "a typographic contraction",
    at: "cp/a.ts",
    source: message('"Journal isn’t there"'),
    says: "contractions",
  },
  {
    name: "a value in single quotes",
    at: "cp/a.ts",
    source: message("`Cannot read '${name}'`"),
    says: "double quotes",
  },
  {
    name: "the first half of a sum",
    at: "cp/a.ts",
    source: message('"cannot read " + name'),
    says: "capital letter",
  },
  {
    name: "the last half of a sum",
    at: "cp/a.ts",
    source: message('"Cannot read " + name + ", sorry."'),
    says: "without a period",
  },
  {
    name: "one side of a choice",
    at: "cp/a.ts",
    source: message('late ? "Too late" : "too early"'),
    says: "capital letter",
  },
  {
    name: "the same in a RangeError",
    at: "sdk/a.ts",
    source: `throw new RangeError("limit must be > 0");`,
    says: "capital letter",
  },
]);
