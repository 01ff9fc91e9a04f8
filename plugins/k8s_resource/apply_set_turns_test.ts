import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  readTurns,
  takeTurn,
  type Turn,
  writeTurns,
} from "./apply_set_turns.ts";

const at = (id: string, minute: number): Turn => ({
  id,
  createdAt: `2026-11-23T05:${String(minute).padStart(2, "0")}:00Z`,
});
const TURNS = [at("a", 1), at("b", 2)];

/** An event, which attempt at it, and whether it has a turn. */
const EVENTS: Readonly<
  Record<string, readonly [event: Turn, attempt: number, taken: boolean]>
> = {
  "a new event": [at("c", 3), 1, true],
  "a new event of a producer whose clock is late": [at("c", 0), 1, true],
  "the last event, again": [at("b", 2), 2, true],
  "the last event, sent again by a restored control plane": [
    at("b", 2),
    1,
    true,
  ],
  "an event before the last one, again": [at("a", 1), 2, false],
  "an event before the last one, of a clock that is early, again": [
    at("a", 9),
    2,
    false,
  ],
  "an event before the last one, sent again by a restored control plane": [
    at("a", 1),
    1,
    false,
  ],
  "an older event whose first attempt did not come so far": [
    at("c", 1),
    2,
    false,
  ],
  "a newer event whose first attempt did not come so far": [
    at("c", 3),
    2,
    true,
  ],
};

Deno.test("takeTurn() lets an event begin unless a later one has", async (t) => {
  for (const [name, [event, attempt, taken]] of Object.entries(EVENTS)) {
    await t.step(name, () => {
      const turn = takeTurn(TURNS, { ...event, attempt });
      if (!taken) return deepStrictEqual(turn, { later: at("b", 2) });
      strictEqual("turns" in turn && turn.turns.at(-1)?.id, event.id);
    });
  }
  await t.step("the first event of a set", () => {
    deepStrictEqual(takeTurn([], { ...at("a", 1), attempt: 3 }), {
      turns: [at("a", 1)],
    });
  });
});

Deno.test("takeTurn() remembers a bounded number of events", () => {
  let turns: readonly Turn[] = [];
  for (let i = 0; i < 59; i++) {
    const turn = takeTurn(turns, { ...at(`e${i}`, i), attempt: 1 });
    turns = "turns" in turn ? turn.turns : [];
  }
  strictEqual(turns.length, 20);
  strictEqual(turns[0]?.id, "e39");
});

Deno.test("readTurns() reads what writeTurns() writes, and nothing else", () => {
  deepStrictEqual(readTurns(writeTurns(TURNS)), TURNS);
  for (const text of ["", "{", "{}", '["a"]', '[{"id":"a"}]', "null"]) {
    strictEqual(readTurns(text), undefined, text);
  }
});
