import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Loop } from "./loop.ts";
import { Machine, type Process } from "./machine.ts";
import { Random } from "./random.ts";

function open(rate = 1): { loop: Loop; machine: Machine; process: Process } {
  const random = new Random("machine");
  const loop = new Loop(random);
  const machine = new Machine(loop, "m", { offsetMs: 1000, rate });
  return { loop, machine, process: machine.start(random) };
}

Deno.test("Process runs what comes due in the order of time, and nothing once it is killed", async () => {
  const { loop, process } = open();
  const seen: string[] = [];
  process.after(20, "b", () => seen.push("b"));
  process.after(10, "a", () => seen.push("a"));
  process.after(30, "c", () => seen.push("c"));
  loop.after(25, "kill", () => process.kill());
  await loop.run(100);
  deepStrictEqual(seen, ["a", "b"]);
});

Deno.test("Process lets an await end in the middle when it is killed", async () => {
  const { loop, process } = open();
  let woke = false;
  process.clock.sleep(10).then(() => woke = true);
  loop.after(5, "kill", () => process.kill());
  await loop.run(100);
  strictEqual(woke, false);
});

Deno.test("Process catches up in order after a pause, also when it is paused again meanwhile", async () => {
  const { loop, process } = open();
  const seen: string[] = [];
  for (let i = 1; i <= 4; i++) {
    process.after(i, "step", () => {
      seen.push(`${i} at ${Math.round(loop.now)}`);
      if (i === 2) process.pause();
    });
  }
  process.pause();
  loop.after(50, "resume", () => process.resume());
  loop.after(90, "resume", () => process.resume());
  await loop.run(100);
  deepStrictEqual(seen, ["1 at 50", "2 at 50", "3 at 90", "4 at 90"]);
});

Deno.test("Process.clock goes as fast as its machine's, jumps with it, and is never early", async () => {
  const { loop, machine, process } = open(1.5);
  const { clock } = process;
  const [monotonic, now] = [clock.monotonic(), clock.now()];
  let slept = 0;
  clock.sleep(300).then(() => slept = clock.monotonic() - monotonic);
  await loop.run(250);
  strictEqual(slept >= 300 && slept < 300.01, true, String(slept));
  machine.jump(3_600_000);
  strictEqual(clock.now() - now, 3_600_000 + 375);
  strictEqual(Math.round(clock.monotonic() - monotonic), 375);
});
