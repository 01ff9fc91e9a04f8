import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { LinkOffer } from "@transporter/sdk";
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
    await store.touchAgent(T, { agent: "edge-1", gen: 1 }, AT + 10);
    deepStrictEqual(await store.getAgent(T, "edge-1"), {
      ...first,
      seenAt: AT + 10,
    });
    await store.touchAgent(T, { agent: "edge-1", gen: 1, sid: 3 }, AT + 11);
    deepStrictEqual(await store.getAgent(T, "edge-1"), {
      ...first,
      seenAt: AT + 11,
      statusUpto: 3,
    });
    const second = await store.openSession(
      T,
      session("edge-1", { at: AT + 12 }),
    );
    await store.touchAgent(T, { agent: "edge-1", gen: 1, sid: 4 }, AT + 20);
    await store.touchAgent(T, { agent: "edge-9", gen: 1 }, AT + 20);
    deepStrictEqual(await store.getAgent(T, "edge-1"), second);
    strictEqual(await store.getAgent(T, "edge-9"), undefined);
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
