import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Clock, VERSION } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { ControlPlane } from "../control_plane.ts";
import { openMemoryStore } from "../store/memory.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";
import { event, isProblem, openPlace } from "../testing/place.ts";
import { Readiness } from "./readiness.ts";
import { SCHEMAS } from "./schemas.ts";

Deno.test("GET /livez, /readyz and /health say that all is well", async () => {
  await using place = await openPlace();
  deepStrictEqual((await place.ask("/livez")).json, { status: "live" });
  deepStrictEqual(v.parse(SCHEMAS.Ready, (await place.ask("/readyz")).json), {
    status: "ready",
    durability: "memory",
  });
  deepStrictEqual(v.parse(SCHEMAS.Health, (await place.ask("/health")).json), {
    status: "healthy",
    agent_count: 0,
    version: VERSION,
  });
});

Deno.test("ready.store.down: GET /readyz is false while a store on disk cannot commit, and true again after", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/t.db`;
    await using store = await openSqliteStore({ path });
    await using place = await openPlace({ store });
    strictEqual((await place.ask("/readyz")).status, 200);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE"); // nobody else can write now
    while ((await place.ask("/readyz")).status === 200) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const answer = await place.ask("/readyz");
    isProblem(answer, 503, "store_unavailable");
    strictEqual(answer.headers.get("retry-after"), "1");
    const health = await place.ask("/health");
    deepStrictEqual([health.status, health.json.status], [503, "unhealthy"]);
    match((await place.ask("/metrics")).text, /^transporter_ready_bool 0$/m);
    strictEqual((await place.ask("/livez")).status, 200);
    const refused = await place.ask("/events", {
      method: "POST",
      body: event("e1"),
    });
    isProblem(refused, 503, "store_unavailable");

    other.exec("ROLLBACK");
    other.close();
    while ((await place.ask("/readyz")).status !== 200) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    strictEqual(
      (await place.ask("/events", { method: "POST", body: event("e1") }))
        .status,
      202,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("GET /readyz and /metrics say how much room the disk of the store has", async () => {
  const folder = await Deno.makeTempDir();
  await using controlPlane = await ControlPlane.open({
    config: { listen: "127.0.0.1:0", dataDir: folder, dev: true },
    kinds: [],
  });
  const answer = await fetch(`${controlPlane.url}/readyz`);
  const { disk_free_bytes: free } = v.parse(
    SCHEMAS.Ready,
    await answer.json(),
  );
  ok(free !== undefined && free > 0);
  const metrics = await (await fetch(`${controlPlane.url}/metrics`)).text();
  match(metrics, /^transporter_replicas_known 1$/m);
  match(metrics, /^transporter_disk_free_bytes [1-9][\d.e+]*$/m);
  await controlPlane.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Readiness.fault() asks the store once for many who ask", async () => {
  const clock = new TestClock();
  let probes = 0;
  const readiness = new Readiness({
    store: {
      probe: () => {
        probes++;
        return Promise.resolve();
      },
      listEvents: () => Promise.resolve([]),
    },
    tenant: "t",
    clock,
    stopping: new AbortController().signal,
  });
  await Promise.all([readiness.fault(), readiness.fault(), readiness.fault()]);
  await readiness.fault();
  strictEqual(probes, 1);
  await clock.advance(1000);
  strictEqual(await readiness.fault(), undefined);
  strictEqual(probes, 2);
});

Deno.test("Readiness.fault() gives up on a store that does not answer, and asks it nothing more", async () => {
  const clock = new TestClock();
  let probes = 0;
  let answer = () => {};
  const readiness = new Readiness({
    store: {
      probe: () => {
        probes++;
        return new Promise((resolve) => answer = resolve);
      },
      listEvents: () => Promise.resolve([]),
    },
    tenant: "t",
    clock,
    stopping: new AbortController().signal,
  });
  const fault = readiness.fault();
  await clock.advance(2000);
  strictEqual((await fault)?.code, "store_unavailable");
  await clock.advance(1000);
  const again = readiness.fault();
  await clock.advance(2000);
  strictEqual((await again)?.code, "store_unavailable");
  strictEqual(probes, 1);
  answer();
  await clock.advance(1000);
  const last = readiness.fault();
  answer();
  strictEqual(await last, undefined);
});

Deno.test("GET /readyz is false while the clock is behind what was accepted, and true again by itself", async () => {
  const time = new TestClock();
  let behindMs = 0;
  const clock: Clock = {
    now: () => time.now() - behindMs,
    monotonic: () => time.monotonic(),
    sleep: (ms, options) => time.sleep(ms, options),
  };
  await using store = openMemoryStore({ clock });
  await using place = await openPlace({ store, clock });
  await place.ask("/events", { method: "POST", body: event("e1") });
  strictEqual((await place.ask("/readyz")).status, 200);
  behindMs = 6 * 60_000;
  await time.advance(1000);
  const problem = isProblem(await place.ask("/readyz"), 503, "clock_skew");
  match(problem.message, /359 s behind/);
  await time.advance(2 * 60_000);
  strictEqual((await place.ask("/readyz")).status, 200);
});

Deno.test("GET /metrics counts what happens", async () => {
  await using place = await openPlace();
  await place.ask("/events", { method: "POST", body: event("e1") });
  await place.ask("/events", { method: "POST", body: event("e1") });
  await place.ask("/events", {
    method: "POST",
    body: event("e2", { type: "made_up" }),
  });
  await place.ask("/events", { method: "POST", body: event("e3", { ttl: 0 }) });
  await place.ask("/v2/events/e1");
  const answer = await place.ask("/metrics");
  match(
    answer.headers.get("content-type") ?? "",
    /^text\/plain; version=0\.0\.4/,
  );
  for (
    const line of [
      'transporter_events_accepted_total{type="k8s_resource"} 1',
      'transporter_events_accepted_total{type="other"} 1',
      'transporter_events_duplicate_total{type="k8s_resource"} 1',
      'transporter_events_refused_total{code="invalid_ttl"} 1',
      'transporter_events_open{state="queued"} 2',
      'transporter_http_request_seconds_count{method="POST",route="/events",status="202"} 3',
      'transporter_http_request_seconds_count{method="GET",route="/v2/events/{id}",status="200"} 1',
      "transporter_sessions_open 0",
      "transporter_ready_bool 1",
    ]
  ) {
    ok(
      answer.text.includes(`${line}\n`),
      `${line} is missing in ${answer.text}`,
    );
  }
});

Deno.test("GET /metrics has no name that is not one of ours, and no label that anybody can make up", async () => {
  await using place = await openPlace();
  for (
    const path of ["/nope", "/v2/events/secret-id", "/v2/agents/secret-agent"]
  ) await place.ask(path);
  await place.ask("/livez", { method: "PROPFIND" });
  await place.ask("/events", {
    method: "POST",
    body: event("secret-id", { target_agent: "secret-agent" }),
  });
  const { text } = await place.ask("/metrics");
  ok(!text.includes("secret"));
  ok(!text.includes("PROPFIND"));
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) =>
    name ?? ""
  );
  for (const name of names) {
    match(
      name,
      /^transporter_[a-z]+(_[a-z]+)*_(total|seconds|bytes|open|known|bool)$/,
    );
  }
});

Deno.test("GET /metrics gives upstream's figures to who asks for JSON", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  await place.ask("/events", { method: "POST", body: event("e1") });
  const answer = await place.ask("/metrics", {
    headers: { accept: "application/json, text/plain" },
  });
  deepStrictEqual(v.parse(SCHEMAS.Figures, answer.json), {
    agents: { total: 1, connected: 0 },
    events: { queued: 1 },
  });
  await place.ask("/v2/events/e1/cancel", { method: "POST" });
  const after = await place.ask("/metrics", {
    headers: { accept: "application/json" },
  });
  deepStrictEqual(v.parse(SCHEMAS.Figures, after.json).events, { failed: 1 });
  const prometheus = await place.ask("/metrics", {
    headers: {
      accept:
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    },
  });
  match(prometheus.text, /^# HELP/);
});

Deno.test("GET /metrics answers while the store cannot be read", async () => {
  await using memory = openMemoryStore();
  const store: Store = new Proxy(memory, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name === "listAgents") return closed.listAgents.bind(closed);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const closed = openMemoryStore();
  await closed[Symbol.asyncDispose]();
  await using place = await openPlace({ store });
  match((await place.ask("/metrics")).text, /^transporter_ready_bool 0$/m);
  isProblem(
    await place.ask("/metrics", { headers: { accept: "application/json" } }),
    503,
    "store_unavailable",
  );
});
