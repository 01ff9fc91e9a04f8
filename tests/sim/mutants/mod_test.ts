import { deepStrictEqual, match, throws } from "node:assert/strict";
import { findMutant } from "./command.ts";
import { MUTANTS } from "./mod.ts";

/** Faults of upstream's that have to be among them. */
const UPSTREAM = [
  ..."F01 F02 F05 F06 F07 F08 F20 F21 F22 F24 F27 F28 F31 F33".split(" "),
  ..."F40 F41 F42 F43 F44 F45 F46 F48 F49 F50 F52".split(" "),
];

Deno.test("every fault that has to be planted is", () => {
  const planted = new Set(MUTANTS.flatMap(({ upstream }) => upstream));
  deepStrictEqual(UPSTREAM.filter((id) => !planted.has(id)), []);
});

Deno.test("every mutant has a name of its own, and breaks something or says why not", () => {
  const names = MUTANTS.map(({ name }) => name);
  deepStrictEqual(names, [...new Set(names)]);
  for (const { name, does, breaks, harmless } of MUTANTS) {
    match(name, /^[a-z]+(-[a-z]+)*$/);
    match(does, /^[A-Z].*\.$/);
    deepStrictEqual(breaks.length === 0, harmless !== undefined, name);
  }
});

Deno.test("the README lists every mutant", async () => {
  const readme = await Deno.readTextFile(
    new URL("../../README.md", import.meta.url),
  );
  const rows = readme.split("\n").filter((line) => line.startsWith("|")).map(
    (line) => line.split("|").map((cell) => cell.trim()).slice(1, -1),
  );
  const written = rows.filter(([name = ""]) =>
    MUTANTS.some((mutant) => name === `\`${mutant.name}\``)
  );
  deepStrictEqual(
    written,
    MUTANTS.map(({ name, upstream, does, breaks, harmless }) => [
      `\`${name}\``,
      upstream.join(", "),
      does,
      harmless === undefined ? breaks.join(", ") : `harmless: ${harmless}`,
    ]),
  );
});

Deno.test("findMutant() says which one may be meant", () => {
  match(findMutant("queue-in-memory").does, /memory/);
  throws(() => findMutant("queue-in-memroy"), {
    code: "usage",
    message: /no such mutant: did you mean "queue-in-memory"\?/,
  });
});
