import { deepStrictEqual } from "node:assert/strict";
import { Loop } from "./loop.ts";
import { Network } from "./network.ts";
import { Random } from "./random.ts";

Deno.test("Network is as fast as before when all is over that slowed it down, whatever ends first", () => {
  const network = new Network({
    loop: new Loop(new Random("loop")),
    random: new Random("network"),
    wire: "socket",
    observe: () => ({ sent() {}, took() {}, over() {} }),
  });
  const { speed } = network;
  const [endFirst, endSecond] = [network.slow(100), network.slow(200)];
  deepStrictEqual(network.speed, { ...speed, jitterMs: 200 });
  endFirst();
  deepStrictEqual(network.speed, { ...speed, jitterMs: 200 });
  endSecond();
  deepStrictEqual(network.speed, speed);

  const endThird = network.slow(300);
  const endFourth = network.slow(400);
  endFourth();
  deepStrictEqual(network.speed, { ...speed, jitterMs: 300 });
  network.heal();
  deepStrictEqual(network.speed, speed);
  endThird();
  deepStrictEqual(network.speed, speed);
});
