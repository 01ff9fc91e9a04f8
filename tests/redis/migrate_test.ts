import {
  deepStrictEqual,
  doesNotMatch,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { WitnessAgent, witnessEvent } from "../chaos/witness_agent.ts";
import { openStore } from "../../cp/open_store.ts";
import { migrate } from "../../cp/migrate.ts";
import type { Store } from "../../cp/store/store.ts";
import {
  AT,
  event,
  release,
  session,
  T,
  to,
} from "../../cp/store/testing/samples.ts";
import { systemClock } from "@transporter/sdk";
import { Program } from "../program.ts";
import {
  CpProcess,
  listEvents,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { startRedis } from "./server.ts";

/** All that a store has of a tenant. */
async function view(store: Store, tenant: string) {
  const events = await store.listEvents(tenant, { limit: 10_000 });
  const ids = events.map(({ spec }) => spec.id);
  const each = <T>(read: (id: string) => Promise<T>) =>
    Promise.all(ids.map(read));
  return {
    events,
    records: await each((id) => store.getEvent(tenant, id)),
    specs: await each((id) => store.getSpec(tenant, id)),
    histories: await each((id) => store.listHistory(tenant, id)),
    logs:
      (await each((id) => store.listLogs(tenant, id, { after: 0, limit: 99 })))
        .map((pieces) => pieces.map(({ n: _, ...piece }) => piece)),
    labelled: await store.listEvents(tenant, {
      labels: { app: "é" },
      limit: 99,
    }),
    open: await store.countOpen(tenant),
    released: await store.listReleased(tenant, "edge-1"),
    waits: await store.nextReadyAt(tenant, "edge-1", AT),
    due: await store.listDue(AT * 2, 10_000),
    changes: await store.listChanges(tenant, 0, 10_000),
    range: await store.changeRange(),
    agents: await store.listAgents(tenant),
    marks: await Promise.all(
      ["told", "é"].map((name) => store.getMark(tenant, name)),
    ),
  };
}

/** One of everything that a store keeps. */
async function fill(store: Store, tenant: string): Promise<void> {
  for (const id of ["gone", "edge-1"]) {
    await store.openSession(tenant, session(id));
  }
  await store.openSession(tenant, session("gone"));
  await store.deleteAgent(tenant, "gone");
  const spec = { labels: { app: "é" }, priority: 3 };
  for (const id of ["a", "b", "c", "d", "e", "old"]) {
    await store.createEvent(
      tenant,
      event(id, { idempotencyKey: `key-${id}`, spec }),
    );
  }
  await store.createEvent(tenant, event("later", { readyAt: AT + 50 }));
  await store.createEvent(tenant, event("plain", { acceptedAt: AT - 9 }));
  const end = { finishedAt: AT };
  await store.changeEvent(tenant, "old", to("cancelled", {}, end));
  await store.sweep({
    finishedBefore: AT + 1,
    finishedMax: 9,
    until: () => AT + 1000,
    at: AT,
    limit: 9,
  });
  await store.releaseEvents(tenant, release(1, { eventsMax: 3 }));
  const result = {
    success: true,
    completed_at: "2026-11-18T08:26:41Z",
    duration: 1,
    output: "\u0000é",
  };
  const fence = { agent: "edge-1", gen: 1, sid: 7 };
  await store.changeEvent(
    tenant,
    "a",
    to("completed", {}, { ...end, result }),
    fence,
  );
  const error = { code: "failed", message: "No" } as const;
  await store.changeEvent(tenant, "d", to("failed", {}, { ...end, error }));
  const replaces = { replaces: true } as const;
  await store.changeEvent(tenant, "b", to("in_progress", { message: "1" }));
  await store.changeEvent(
    tenant,
    "b",
    to("in_progress", { message: "2" }, replaces),
  );
  await store.addLogs(tenant, "b", [
    { attempt: 1, stream: "stdout", off: 0, data: "x\u0000" },
    { attempt: 1, stream: "stdout", off: 9, data: "y", trunc: true },
  ]);
  const sign = { at: AT + 2, told: true };
  await store.touchAgent(tenant, { agent: "edge-1", gen: 1 }, sign);
  await store.openSession(tenant, session("edge-1", { at: AT + 3 }));
  await store.setPaused(tenant, "edge-1", AT + 3);
  await store.setMark(tenant, "é", { value: 7, seen: undefined });
}

let moves = 0;
const common = {
  dataDir: undefined,
  ids: { next: () => `move-${++moves}` },
  progress: () => {},
  signal: new AbortController().signal,
};
const opening = { dataDir: undefined, clock: systemClock };

Deno.test("migrate() moves everything to Redis and back, and every number goes on", async () => {
  await using redis = await startRedis();
  await using folder = await tempFolder();
  const [first, second] = ["a", "b"].map((name) =>
    `sqlite:${folder.path}/${name}/store.db`
  ) as [string, string];
  let before: unknown;
  {
    await using opened = await openStore(first, opening);
    for (const tenant of [T, "other:é"]) await fill(opened.store, tenant);
    before = [await view(opened.store, T), await view(opened.store, "other:é")];
  }
  for (const [from, to] of [[first, redis.url], [redis.url, second]] as const) {
    const counts = await migrate({ ...common, from, to });
    deepStrictEqual(counts, {
      agent: 4,
      mark: 2,
      tombstone: 4,
      event: 12,
      entry: 21,
    });
    {
      await using opened = await openStore(to, opening);
      deepStrictEqual(
        [await view(opened.store, T), await view(opened.store, "other:é")],
        before,
        to,
      );
    }
    await rejects(openStore(from, opening), {
      code: "conflict",
      message: /was moved to/,
    });
  }
  await using opened = await openStore(second, opening);
  const { store } = opened;
  const { newest } = await store.changeRange();
  const tombstone = await store.createEvent(T, event("old"));
  strictEqual(tombstone.created, false);
  const byKey = await store.createEvent(
    T,
    event("x", { idempotencyKey: "key-old" }),
  );
  strictEqual(byKey.created, false);
  const { record } = await store.createEvent(T, event("new"));
  strictEqual(record?.enq, 17);
  strictEqual((await store.changeRange()).newest, newest + 1);
  strictEqual((await store.openSession(T, session("gone"))).gen, 3);
});

Deno.test("migrate() refuses a store that has other events, one in use, one that is not there, and itself", async () => {
  await using redis = await startRedis();
  await using folder = await tempFolder();
  const path = `sqlite:${folder.path}/store.db`;
  await rejects(migrate({ ...common, from: path, to: redis.url }), {
    code: "not_found",
  });
  {
    await using opened = await openStore(path, opening);
    await fill(opened.store, T);
    await rejects(migrate({ ...common, from: path, to: redis.url }), {
      code: "folder_in_use",
    });
  }
  {
    await using opened = await openStore(redis.url, opening);
    await rejects(migrate({ ...common, from: path, to: redis.url }), {
      code: "conflict",
      message: /has it open: stop every control plane/,
    });
    await opened.store.createEvent(T, event("theirs"));
  }
  const move = { ...common, from: path, to: redis.url };
  await rejects(migrate(move), {
    code: "conflict",
    message: /has other events/,
  });
  await rejects(migrate({ ...move, to: path }), { code: "usage" });
  await rejects(migrate({ ...move, to: "memory:" }), { code: "usage" });
  const unused = { ...move, to: "sqlite:/t.db" };
  await rejects(migrate({ ...unused, dataDir: "/d" }), {
    message: /--data-dir as nothing would be in it/,
  });
  await rejects(migrate({ ...unused, redisCaFile: "ca" }), {
    message: /--redis-ca-file as no store is in Redis/,
  });
  // Nothing was begun: it can still be used.
  await using _opened = await openStore(path, opening);
});

Deno.test("transporter migrate, killed again and again, goes on where it was, both ways", async () => {
  await using redis = await startRedis();
  await using folder = await tempFolder();
  const [first, second] = ["a", "b"].map((name) =>
    `sqlite:${folder.path}/${name}/store.db`
  ) as [string, string];
  let before: unknown;
  {
    await using opened = await openStore(first, opening);
    const { store } = opened;
    await fill(store, T);
    const ids = Array.from({ length: 3000 }, (_, i) => `e${i}`);
    await Promise.all(ids.map((id) => store.createEvent(T, event(id))));
    await Promise.all(
      ids.map((id) => store.changeEvent(T, id, to("in_progress"))),
    );
    before = await view(store, T);
  }
  for (const [from, to] of [[first, redis.url], [redis.url, second]] as const) {
    let kills = 0;
    for (;;) {
      await using program = Program.start(
        ["migrate", "--from", from, "--to", to],
      );
      // Each time somewhere else: at the first sign of progress, then at later ones.
      const at = [/^\d+ % moved/, /^[2-9]\d % moved/, /^[4-9]\d % moved/];
      const killed = at[kills];
      if (killed === undefined) {
        const { code } = await program.status();
        strictEqual(code, 0, program.output);
        match(program.output, /^Moved 3007 events/m);
        break;
      }
      await program.line(killed);
      program.kill("SIGKILL");
      await program.status();
      kills++;
      for (const url of [from, to]) {
        await rejects(openStore(url, opening), {
          code: "conflict",
          message: /migrate" again/,
        });
      }
    }
    await using opened = await openStore(to, opening);
    deepStrictEqual(await view(opened.store, T), before);
  }
});

Deno.test("an agent goes on after its control plane has moved to Redis, and back, and nothing runs twice", async () => {
  await using redis = await startRedis();
  await using folder = await tempFolder();
  const stores = [
    `sqlite:${folder.path}/a/store.db`,
    redis.url,
    `sqlite:${folder.path}/b/store.db`,
  ];
  let listen = "127.0.0.1:0";
  let agent: WitnessAgent | undefined;
  await using opened = new AsyncDisposableStack();
  const ids: string[] = [];
  for (const [i, store] of stores.entries()) {
    if (i > 0) {
      await using program = Program.start(
        ["migrate", "--from", stores[i - 1]!, "--to", store],
      );
      strictEqual((await program.status()).code, 0, program.output);
    }
    const flags = ["--store", store];
    await using cp = await CpProcess.start({ flags, listen });
    listen = new URL(cp.url).host;
    agent ??= opened.use(await WitnessAgent.start("edge", cp.agentUrl));
    await untilConnected(cp.url, "edge");
    for (let n = 0; n < 20; n++) {
      const id = `e${i}-${n}`;
      ids.push(id);
      // Some are still at it when the control plane ends.
      await submit(cp.url, witnessEvent(id, n > 15 ? { ms: 1500 } : {}));
    }
    if (i === 2) {
      const ended = await until(async () => {
        const events = await listEvents(cp.url);
        return events.every(({ finished_at }) => finished_at)
          ? events
          : undefined;
      });
      deepStrictEqual(
        ended.map(({ spec, state }) => `${spec.id} ${state}`).sort(),
        ids.map((id) => `${id} completed`).sort(),
      );
    }
    doesNotMatch(cp.program.output, /Store is older/);
  }
  const starts = await agent?.starts();
  deepStrictEqual(starts?.sort(), ids.map((id) => `${id} 1`).sort());
});

async function tempFolder() {
  const path = await Deno.makeTempDir({ prefix: "transporter-migrate-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
