import { deepStrictEqual } from "node:assert/strict";
import type { Entry, Read, Session } from "./entry.ts";
import { found, read, session } from "./sample.ts";
import { windowed } from "./windowed.ts";

const boot: Entry = {
  kind: "boot",
  at: 0,
  process: "edge-1",
  concurrency: 1,
  window: 2,
};

function begin(gen: number, at: number, rest: Partial<Session> = {}): Session {
  return session(gen, at, { process: "edge-1", seq: 1, ...rest });
}

function sent(
  event: string,
  at: number,
  rest: Partial<Session> = {},
): Session {
  return session(1, at, { what: "event", event, seq: at, bytes: 9, ...rest });
}

function over(
  event: string,
  at: number,
  rest: Partial<Session> = {},
): Session {
  return session(1, at, { what: "over", event, ...rest });
}

Deno.test("windowed() is content while an agent has no more than it takes", () => {
  deepStrictEqual(
    found(
      windowed,
      boot,
      begin(1, 1),
      sent("a", 2),
      sent("b", 3),
      over("a", 4),
      sent("c", 5),
      over("b", 6),
      over("c", 7),
      sent("c", 8), // another attempt
    ),
    [],
  );
});

Deno.test("windowed() finds an agent flooded that is sent more than it takes", () => {
  const history = [boot, begin(1, 1), sent("a", 2), sent("b", 3)];
  deepStrictEqual(found(windowed, ...history, sent("c", 4)), ["flooded edge"]);
  const elsewhere = sent("c", 4, { gen: 2 });
  deepStrictEqual(found(windowed, ...history, elsewhere), []);
});

Deno.test("windowed() lets what was sent before another session come again", () => {
  const again = [sent("a", 2), sent("b", 3), sent("c", 4)];
  deepStrictEqual(found(windowed, boot, begin(1, 1, { seq: 5 }), ...again), []);
  const { seq: _, ...unknown } = begin(1, 1);
  deepStrictEqual(found(windowed, boot, unknown, ...again), []);
  deepStrictEqual(
    found(windowed, boot, begin(1, 1, { seq: 4 }), ...again),
    ["flooded edge"],
  );
});

Deno.test("windowed() does not count what comes again once its attempt has ended in this session", () => {
  const judged = (again: Partial<Session>, said: Partial<Session>) =>
    found(
      windowed,
      boot,
      begin(1, 1, { seq: 4 }),
      over("a", 2, said),
      sent("a", 3, again),
      sent("b", 4),
      sent("c", 5),
    );
  deepStrictEqual(judged({ attempt: 2 }, { attempt: 2 }), []);
  const flooded = ["flooded edge"];
  // The word was on an earlier attempt, or on none that is known.
  deepStrictEqual(judged({ attempt: 2 }, { attempt: 1 }), flooded);
  deepStrictEqual(judged({ attempt: 2 }, {}), flooded);
  deepStrictEqual(judged({}, {}), flooded);
  // It comes as something new.
  deepStrictEqual(judged({ attempt: 2, seq: 4 }, { attempt: 2 }), flooded);
});

Deno.test("windowed() counts what comes again when only an earlier session heard of its end", () => {
  const attempt = 1;
  const history = [
    begin(1, 1, { seq: 4 }),
    over("a", 2, { attempt }),
    begin(1, 3, { seq: 4 }), // of an older store
    sent("a", 3, { attempt }),
  ];
  deepStrictEqual(
    found(windowed, boot, ...history, sent("b", 4), sent("c", 5)),
    ["flooded edge"],
  );
});

Deno.test("windowed() counts bytes: one event alone may have more than all", () => {
  const limits: Entry = { kind: "limits", at: 0, windowBytes: 20 };
  const history = [limits, boot, begin(1, 1), sent("a", 2, { bytes: 30 })];
  deepStrictEqual(found(windowed, ...history), []);
  deepStrictEqual(found(windowed, ...history, sent("b", 3)), ["flooded edge"]);
  const later = [over("a", 3), sent("b", 4), sent("c", 5)];
  deepStrictEqual(found(windowed, ...history, ...later), []);
});

Deno.test("windowed() does not count what the control plane has given up", () => {
  const history = [boot, begin(1, 1), sent("a", 2), sent("b", 3), sent("c", 6)];
  const judged = (...reads: readonly Read[]) =>
    found(windowed, ...history, ...reads);
  deepStrictEqual(judged(read("a", 7, "expired")), []);
  deepStrictEqual(judged(read("a", 7, "failed", { phase: "applying" })), []);
  const flooded = ["flooded edge"];
  // What it says that its agent said, the agent has said.
  for (const state of ["expired", "failed", "completed"] as const) {
    deepStrictEqual(judged(read("a", 7, state, { phase: state })), flooded);
  }
  const still = read("a", 7, "in_progress");
  deepStrictEqual(judged(still, read("a", 8, "expired")), flooded);
  deepStrictEqual(judged(read("a", 4, "in_progress")), flooded);
});
