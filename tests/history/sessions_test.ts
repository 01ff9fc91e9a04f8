import { deepStrictEqual } from "node:assert/strict";
import { found, restore, session } from "./sample.ts";
import { oneSession } from "./sessions.ts";

const sent = { what: "event", event: "a" } as const;
const closed = { what: "end", by: "control-plane" } as const;

Deno.test("oneSession() is content with one session after the other", () => {
  deepStrictEqual(
    found(
      oneSession,
      session(1, 1),
      session(1, 2, sent),
      session(2, 3),
      session(1, 4, { ...closed, reason: "superseded" }),
      session(2, 5, sent),
      session(2, 6, { what: "end", by: "agent" }),
      session(3, 7),
      session(3, 8, { ...closed, reason: "timeout" }),
    ),
    [],
  );
});

Deno.test("oneSession() finds a session torn that its predecessor takes down", () => {
  for (const reason of [undefined, "superseded"]) {
    const end = { ...closed, ...(reason === undefined ? {} : { reason }) };
    deepStrictEqual(
      found(oneSession, session(1, 1), session(2, 2), session(2, 3, end)),
      ["torn edge"],
    );
  }
});

Deno.test("oneSession() lets a registration replace the current session before it leads to one", () => {
  const superseded = session(1, 4, { ...closed, reason: "superseded" });
  const register = (at: number) => session(0, at, { what: "register" });
  const first = [register(1), session(1, 2)];
  deepStrictEqual(found(oneSession, ...first, register(3), superseded), []);
  deepStrictEqual(found(oneSession, ...first, superseded), ["torn edge"]);
});

Deno.test("oneSession() finds events on a session that is not current any more", () => {
  deepStrictEqual(
    found(oneSession, session(1, 1), session(2, 2), session(1, 3, sent)),
    ["torn edge"],
  );
});

Deno.test("oneSession() finds a generation that is used again, unless the store was put back", () => {
  const again = [session(1, 1), session(2, 2), session(2, 9)];
  deepStrictEqual(found(oneSession, ...again), ["torn edge"]);
  deepStrictEqual(found(oneSession, ...again, restore(5, 0)), []);
});

Deno.test("oneSession() lets another control plane say what it was about to say, and no more", () => {
  const here = { replica: "a" };
  const there = { replica: "b" };
  const first = [session(1, 1, here), session(2, 2, there)];
  const late = session(1, 3, { ...sent, ...here });
  deepStrictEqual(found(oneSession, ...first, late), []);
  const same = session(2, 3, here);
  deepStrictEqual(found(oneSession, ...first, same), ["torn edge"]);
});
