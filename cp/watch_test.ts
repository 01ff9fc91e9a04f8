import { strictEqual } from "node:assert/strict";
import { Rounds } from "./rounds.ts";
import { TestClock } from "@transporter/sdk/testing";
import { watched } from "./watch.ts";

const IDLE_MS = 45_000;

Deno.test("watched() finds a link whose far end was not heard for long enough, and not before", () => {
  const link = { receivedAt: 40_000, writingSince: undefined };
  const before = watched(link, { now: 84_000, idleMs: IDLE_MS });
  strictEqual(before.gone, undefined);
  strictEqual(before.restMs, 1000);
  const { gone } = watched(link, { now: 85_000, idleMs: IDLE_MS });
  strictEqual(gone?.code, "timeout");
  strictEqual(
    gone.message,
    "Cannot keep the session of the agent as nothing was heard from it for 45000 ms",
  );
});

Deno.test("watched() finds a link on which a frame cannot be written for long enough", () => {
  const link = { receivedAt: 30_000, writingSince: 1000 }; // it writes, but it does not read
  const before = watched(link, { now: 30_000, idleMs: IDLE_MS });
  strictEqual(before.gone, undefined);
  strictEqual(before.restMs, 1000);
  strictEqual(
    watched(link, { now: 31_000, idleMs: IDLE_MS }).gone?.message,
    "Cannot keep the session of the agent as it has not read for 30000 ms",
  );
});

Deno.test("Rounds looks at each when it has to be, with one timer, and with none for nobody", async () => {
  const clock = new TestClock();
  const looks: string[] = [];
  const rests: Record<string, number> = { a: 5000, b: 1500 };
  const rounds = new Rounds<string>({
    clock,
    everyMs: 5000,
    look(name) {
      looks.push(`${clock.monotonic()} ${name}`);
      return rests[name] ?? 0;
    },
  });
  const begin = clock.monotonic();
  rounds.add("a");
  rounds.add("b");
  strictEqual(clock.sleeping, 1);
  await clock.advance(4999);
  strictEqual(looks.length, 0);
  await clock.advance(1);
  strictEqual(looks.join(), `${begin + 5000} a,${begin + 5000} b`);
  rests["b"] = 1; // which is soon, and still not at once
  await clock.advance(1500);
  strictEqual(looks.length, 4);
  rounds.delete("b");
  await clock.advance(999);
  strictEqual(looks.length, 4);
  await clock.advance(1);
  strictEqual(looks.at(-1), `${begin + 7500} a`);
  rounds.delete("a");
  rounds.delete("a");
  await clock.advance(0);
  strictEqual(clock.sleeping, 0);
  rounds.add("a");
  await clock.advance(5000);
  strictEqual(looks.at(-1), `${begin + 12_500} a`);
  rounds.delete("a");
});
