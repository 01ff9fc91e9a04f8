import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Violation } from "../../history/violation.ts";
import { hunt, isWell } from "./hunt.ts";
import type { Mutant } from "./mutant.ts";
import type { Trial } from "./trial.ts";

const MUTANT: Mutant = {
  name: "sample",
  upstream: [],
  does: "Loses events.",
  breaks: ["G1"],
  budget: 5,
  plant: () => ({}),
};

const SEARCH = { from: 1, search: true };

const FOUND: Omit<Violation, "evidence"> = {
  guarantee: "G1",
  word: "lost",
  subject: "a",
  message: 'Event "a" is lost',
};

/** Finds something in one seed, and nothing in the others. */
function findsIn(
  number: number,
  found: Partial<Trial>,
): (seed: number) => Promise<Trial> {
  return (seed) =>
    Promise.resolve({
      seed,
      violations: [],
      ...(seed === number ? found : {}),
    });
}

Deno.test("hunt() ends with the first seed that breaks what the mutant breaks", async () => {
  const found = await hunt(
    MUTANT,
    SEARCH,
    findsIn(3, { violations: [FOUND] }),
  );
  const { verdict, by, seed, seeds } = found;
  deepStrictEqual({ verdict, by, seed, seeds }, {
    verdict: "caught",
    by: ["G1"],
    seed: 3,
    seeds: 3,
  });
  strictEqual(isWell(found), true);
});

Deno.test("hunt() does not count what the mutant was not to break", async () => {
  const other = { ...FOUND, guarantee: "G4" } as const;
  const found = await hunt(
    MUTANT,
    SEARCH,
    findsIn(3, { violations: [other] }),
  );
  strictEqual(found.verdict, "missed");
  strictEqual(found.seeds, 5);
  match(found.message, /No seed breaks G1; seed 3 breaks G4/);
  strictEqual(isWell(found), false);
});

Deno.test("hunt() counts a crash only for a mutant that crashes", async () => {
  const crash = { ...FOUND, guarantee: "G14", word: "crashed" } as const;
  const attempt = findsIn(1, { violations: [crash] });
  const mutant = { ...MUTANT, breaks: ["G14"] } as const;
  strictEqual((await hunt(mutant, SEARCH, attempt)).verdict, "missed");
  const crashes = { ...mutant, crashes: true };
  strictEqual((await hunt(crashes, SEARCH, attempt)).verdict, "caught");
});

Deno.test("hunt() tells a fault of the planted code from a catch", async () => {
  const broken = "TypeError: it is not a function";
  const found = await hunt(
    MUTANT,
    SEARCH,
    findsIn(2, { violations: [FOUND], broken }),
  );
  strictEqual(found.verdict, "broken");
  strictEqual(found.seed, 2);
});

Deno.test("hunt() lets a harmless mutant survive its budget, and no violation", async () => {
  const mutant = { ...MUTANT, breaks: [], harmless: "Nobody needs it." };
  const survived = await hunt(mutant, SEARCH, findsIn(0, {}));
  strictEqual(survived.verdict, "survived");
  strictEqual(survived.seeds, 5);
  const found = await hunt(
    mutant,
    SEARCH,
    findsIn(4, { violations: [FOUND] }),
  );
  strictEqual(found.verdict, "harmful");
  strictEqual(found.seed, 4);
});

Deno.test("hunt() runs recorded seeds instead, each of which has to catch the mutant", async () => {
  const options = { from: 1, search: false };
  const mutant = { ...MUTANT, recorded: [70, 90] };
  const both = (seed: number) => Promise.resolve({ seed, violations: [FOUND] });
  const caught = await hunt(mutant, options, both);
  strictEqual(caught.verdict, "caught");
  strictEqual(caught.seeds, 2);
  const outdated = await hunt(
    mutant,
    options,
    findsIn(70, { violations: [FOUND] }),
  );
  strictEqual(outdated.verdict, "outdated");
  strictEqual(outdated.seed, 90);
  match(outdated.message, /deno task sim --mutants --search sample/);
});
