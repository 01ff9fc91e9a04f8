import { strictEqual } from "node:assert/strict";
import { Api } from "./api.ts";
import { ControlPlaneNode } from "./control_plane.ts";
import { Loop } from "./loop.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { Observer } from "./observer.ts";
import { Random } from "./random.ts";

/** A control plane that runs, and a way to it. */
async function running() {
  const random = new Random("api");
  const loop = new Loop(random.fork("loop"));
  const observer = new Observer(loop);
  const observe = observer.session.bind(observer);
  const controlPlane = new ControlPlaneNode({
    machine: new Machine(loop, "control-plane", { offsetMs: 0, rate: 1 }),
    random,
    observer,
    network: new Network({
      loop,
      random: random.fork("network"),
      wire: "socket",
      observe,
    }),
    plant: {},
    windowBytes: Infinity,
    controlPlanes: ["control-plane"],
  });
  controlPlane.start();
  await loop.run(1000);
  return { loop, controlPlane, api: new Api(loop, random, [controlPlane]) };
}

Deno.test("Api.quiet waits for what a paused control plane has yet to do, although nobody waits for the answer", async () => {
  const { loop, controlPlane, api } = await running();
  controlPlane.process?.pause();
  let outcome = "";
  api.call(({ core }) => core.operator.pause("default", "edge")).then(
    ({ kind }) => outcome = kind,
  );
  await loop.run(30_000);
  strictEqual(outcome, "unknown");
  strictEqual(api.quiet, false);
  controlPlane.process?.resume();
  await loop.run(40_000);
  strictEqual(api.quiet, true);
});

Deno.test("Api.quiet does not wait for a control plane that has died", async () => {
  const { loop, controlPlane, api } = await running();
  controlPlane.process?.pause();
  api.call(({ core }) => core.operator.pause("default", "edge"));
  await loop.run(2000);
  strictEqual(api.quiet, false);
  controlPlane.die("kill9", 1000);
  strictEqual(api.quiet, true);
});

Deno.test("Api.giveUp() tells whoever waits that nobody knows", async () => {
  const { loop, api } = await running();
  const outcomes: string[] = [];
  const answered = api.call(({ store }) => store.listAgents("default"))
    .then(({ kind }) => outcomes.push(kind));
  await loop.run(2000);
  await answered;
  api.call(() => new Promise(() => {})).then(({ kind }) => outcomes.push(kind));
  loop.after(0, "over", () => api.giveUp());
  await loop.run(loop.now);
  strictEqual(outcomes.join(), "ok,unknown");
});
