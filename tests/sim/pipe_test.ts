import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Loop } from "./loop.ts";
import { Machine, type Process } from "./machine.ts";
import { Pipe } from "./pipe.ts";
import { Random } from "./random.ts";

interface Place {
  readonly loop: Loop;
  readonly to: Process;
  readonly pipe: Pipe;
  readonly arrived: string[];
  passes: boolean;
}

function open(seed: number): Place {
  const random = new Random(`pipe ${seed}`);
  const loop = new Loop(random);
  const machine = new Machine(loop, "far", { offsetMs: 0, rate: 1 });
  const to = machine.start(random);
  const arrived: string[] = [];
  const place: Place = {
    loop,
    to,
    arrived,
    passes: true,
    pipe: new Pipe({
      to,
      random,
      speed: () => ({ leastMs: 0, jitterMs: 5 }),
      passes: () => place.passes,
      deliver: (packet) =>
        arrived.push(packet.kind === "frame" ? packet.text : packet.kind),
      refused: () => arrived.push("refused"),
    }),
  };
  return place;
}

function send(pipe: Pipe, ...texts: readonly string[]): void {
  for (const text of texts) pipe.send({ kind: "frame", text });
}

const FRAMES = Array.from({ length: 20 }, (_, i) => `frame ${i}`);

Deno.test("Pipe keeps the order, whatever the delays are", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { loop, pipe, arrived } = open(seed);
    for (const [i, frame] of FRAMES.entries()) {
      loop.after(i, "send", () => send(pipe, frame));
    }
    await loop.run(10_000);
    deepStrictEqual(arrived, FRAMES);
    strictEqual(pipe.size, 0);
  }
});

Deno.test("Pipe that is cut loses what is on its way from some point on, and all that comes later", async () => {
  const kept = new Set<number>();
  for (let seed = 1; seed <= 40; seed++) {
    const { loop, pipe, arrived } = open(seed);
    send(pipe, ...FRAMES);
    pipe.lose();
    send(pipe, "later");
    pipe.break(50);
    await loop.run(10_000);
    strictEqual(arrived.pop(), "broken");
    deepStrictEqual(arrived, FRAMES.slice(0, arrived.length));
    kept.add(arrived.length);
  }
  strictEqual(kept.size > 5, true);
});

Deno.test("Pipe that is held up delivers all of it later", async () => {
  const place = open(1);
  const { loop, pipe, arrived } = place;
  place.passes = false;
  send(pipe, "a", "b");
  await loop.run(1000);
  deepStrictEqual(arrived, []);
  place.passes = true;
  pipe.move();
  await loop.run(2000);
  deepStrictEqual(arrived, ["a", "b"]);
});

Deno.test("Pipe to a process that is gone is refused by its machine, if that is on", async () => {
  const { loop, pipe, arrived, to } = open(1);
  to.kill();
  send(pipe, "a");
  await loop.run(1000);
  deepStrictEqual(arrived, ["refused"]);
  to.machine.on = false;
  send(pipe, "b");
  await loop.run(2000);
  deepStrictEqual(arrived, ["refused"]);
});
