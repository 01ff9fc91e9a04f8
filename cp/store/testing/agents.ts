import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { LinkOffer } from "@transporter/sdk";
import type { Fence } from "../store.ts";
import {
  AT,
  event,
  registration,
  release,
  session,
  type StoreCases,
  T,
  to,
} from "./samples.ts";

/** What a v2 agent says of its link. */
function link(instance: string): LinkOffer {
  return {
    versions: [2, 1],
    features: [],
    instance,
    window: 8,
    max_frame: 524288,
    clock: "2026-11-18T08:26:40Z",
    executors: [],
  };
}

export const agentCases: StoreCases = {
  async "openSession() adds an agent"({ store }) {
    const said = registration("edge-1", {
      labels: { site: "é" },
      region: "eu",
    });
    const agent = await store.openSession(
      T,
      session("edge-1", {
        registration: { ...said, link: link("journal-1") },
        newEpoch: "e_1",
      }),
    );
    deepStrictEqual(agent, {
      tenant: T,
      id: "edge-1",
      registration: said,
      linkVersion: 2,
      executors: [{ type: "k8s_resource", version: "0.1.0" }],
      instance: "journal-1",
      epoch: "e_1",
      gen: 1,
      nextSeq: 1,
      statusUpto: 0,
      createdAt: AT,
      seenAt: AT,
    });
    deepStrictEqual(await store.getAgent(T, "edge-1"), agent);
  },
  async "openSession() replaces what the agent said, and goes on counting"(
    { store },
  ) {
    const { gen } = await store.openSession(
      T,
      session("edge-1", { newEpoch: "e_1" }),
    );
    await store.createEvent(T, event("a"));
    await store.releaseEvents(T, release(gen));
    await store.changeEvent(T, "a", to("completed"), {
      agent: "edge-1",
      gen,
      sid: 12,
    });
    const said = registration("edge-1", { version: "0.2.0", capabilities: [] });
    const agent = await store.openSession(
      T,
      session("edge-1", {
        registration: { ...said, link: link("journal-2") },
        executors: [],
        newEpoch: "e_2",
        at: AT + 5,
      }),
    );
    deepStrictEqual(agent, {
      tenant: T,
      id: "edge-1",
      registration: said,
      linkVersion: 2,
      executors: [],
      instance: "journal-2",
      epoch: "e_1",
      gen: 2,
      nextSeq: 2,
      statusUpto: 12,
      createdAt: AT,
      seenAt: AT + 5,
    });
    deepStrictEqual(await store.getAgent(T, "edge-1"), agent);
  },
  async "openSession() knows no installation of an agent that speaks v1"(
    { store },
  ) {
    await store.openSession(
      T,
      session("edge-1", {
        registration: { ...registration("edge-1"), link: link("journal-1") },
      }),
    );
    const agent = await store.openSession(
      T,
      session("edge-1", { linkVersion: 1, executors: [] }),
    );
    deepStrictEqual([agent.linkVersion, agent.instance, agent.gen], [1, "", 2]);
    deepStrictEqual(await store.getAgent(T, "edge-1"), agent);
  },
  async "openSession() gives each of those that come at once a generation of its own"(
    { store },
  ) {
    const agents = await Promise.all(
      Array.from({ length: 20 }, () => store.openSession(T, session("edge-1"))),
    );
    deepStrictEqual(
      agents.map(({ gen }) => gen),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
  },
  async "touchAgent() notes a sign of life, and nothing of a session that was replaced"(
    { store },
  ) {
    const first = await store.openSession(T, session("edge-1"));
    const touch = (fence: Omit<Fence, "agent">, at: number, agent = "edge-1") =>
      store.touchAgent(T, { agent, ...fence }, { at, told: false });
    await touch({ gen: 1 }, AT + 10);
    deepStrictEqual(await store.getAgent(T, "edge-1"), {
      ...first,
      seenAt: AT + 10,
    });
    await touch({ gen: 1, sid: 3 }, AT + 11);
    deepStrictEqual(await store.getAgent(T, "edge-1"), {
      ...first,
      seenAt: AT + 11,
      statusUpto: 3,
    });
    const second = await store.openSession(
      T,
      session("edge-1", { at: AT + 12 }),
    );
    await touch({ gen: 1, sid: 4 }, AT + 20);
    await touch({ gen: 1 }, AT + 20, "edge-9");
    deepStrictEqual(await store.getAgent(T, "edge-1"), second);
    strictEqual(await store.getAgent(T, "edge-9"), undefined);
  },
  async "keeps since when an agent has told all, which no session and no sign of life changes before it has again"(
    { store, reopen },
  ) {
    const agent = "edge-1";
    const told = async (from = store) =>
      (await from.getAgent(T, agent))?.toldAt;
    const touch = (gen: number, at: number, told: boolean) =>
      store.touchAgent(T, { agent, gen }, { at, told });
    strictEqual(
      (await store.openSession(T, session(agent))).toldAt,
      undefined,
    );
    await touch(1, AT + 1, false);
    strictEqual(await told(), undefined);
    await touch(1, AT + 2, true);
    strictEqual(await told(), AT + 2);
    const second = await store.openSession(T, session(agent, { at: AT + 3 }));
    strictEqual(second.toldAt, AT + 2);
    await touch(2, AT + 4, false);
    await touch(1, AT + 5, true); // of a session that was replaced
    await store.setPaused(T, agent, AT + 6);
    const again = await reopen();
    strictEqual(await told(again), AT + 2);
    strictEqual((await again.getAgent(T, agent))?.seenAt, AT + 4);
    const fence = { agent, gen: 2 };
    const restarted = await again.restartStream(T, fence, "e_2");
    strictEqual(restarted?.toldAt, AT + 4, "when it was seen last");
    deepStrictEqual(await again.getAgent(T, agent), restarted);
    await again.deleteAgent(T, agent);
    const back = await again.openSession(T, session(agent, { at: AT + 7 }));
    strictEqual(back.toldAt, undefined);
    deepStrictEqual(await again.getAgent(T, agent), back);
  },
  async "listAgents() has every agent, by id"({ store }) {
    deepStrictEqual(await store.listAgents(T), []);
    for (const id of ["b", "a-1", "B", "a.1", "a"]) {
      await store.openSession(T, session(id));
    }
    const agents = await store.listAgents(T);
    deepStrictEqual(agents.map(({ id }) => id), ["B", "a", "a-1", "a.1", "b"]);
    deepStrictEqual(agents[1], await store.getAgent(T, "a"));
  },
};
