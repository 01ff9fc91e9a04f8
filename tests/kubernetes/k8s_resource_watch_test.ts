import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "@transporter/sdk";
import { openExecutor } from "../../plugins/k8s_resource/executor.ts";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { status } from "../fault_proxy.ts";
import { actAs } from "./identity.ts";
import { executorBehindProxy } from "./behind_proxy.ts";
import {
  openPlugin,
  proxied,
  type Run,
  runEvent,
  thingDefinition,
  until,
  write,
} from "./k8s_resource.ts";

/** An executor behind a proxy, and a kind whose objects are ready when a test says so. */
async function open(rest: Readonly<Record<string, unknown>> = {}) {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await executorBehindProxy(rest));
  const { kube, namespace, proxy, executor } = place;
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  stack.defer(() =>
    write(
      kube,
      `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
      { method: "DELETE" },
    )
  );
  const made = await runEvent(executor, [thingDefinition(group)]);
  strictEqual(made.last.state, "completed", made.last.message);
  proxy.seen.length = 0;
  const things = `/apis/${group}/v1/namespaces/${namespace}/things`;
  const all = stack.move();
  return {
    ...place,
    things,
    group,
    /** An object that waits. */
    thing: (name: string) =>
      `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: ${name}, namespace: ${namespace}}\nstatus: {conditions: [{type: Ready, status: "False", message: not yet}]}\n`,
    /** What was asked about the objects, without the applies. */
    asked: () =>
      proxy.seen.filter(({ method, path }) =>
        method === "GET" && path.startsWith(things)
      ).map(({ path }) => describe(path.slice(things.length))),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** `list`, `watch` or `get`, and by which name. */
function describe(path: string): string {
  const { pathname, searchParams } = new URL(path, "https://x/things");
  const name = searchParams.get("fieldSelector") ?? "";
  const verb = searchParams.has("watch")
    ? "watch"
    : path.startsWith("/")
    ? `get ${pathname}`
    : "list";
  return [verb, name].filter((each) => each !== "").join(" ");
}

/** As a controller: an object is ready. */
async function becomeReady(
  { kube, things }: { readonly kube: LocalKube; readonly things: string },
  name: string,
): Promise<void> {
  await write(kube, `${things}/${name}`, {
    method: "PATCH",
    body: { status: { conditions: [{ type: "Ready", status: "True" }] } },
  });
}

/** Waits for objects that become ready, one after the other, once the first watch is there. */
async function wait(
  opened: Opened,
  names: readonly string[],
  watches = 1,
): Promise<Run> {
  const { executor, thing, asked } = opened;
  let run: Run | undefined;
  const running = runEvent(executor, names.map(thing)).then((each) => {
    run = each;
    return each;
  });
  const isWatched = () =>
    asked().filter((each) => each.startsWith("watch")).length >= watches;
  await until(() => isWatched() || run !== undefined);
  for (const name of names) await becomeReady(opened, name);
  return await running;
}

Deno.test("one list+watch per (resource, namespace): many objects, one list, one watch", async () => {
  await using opened = await open();
  const run = await wait(opened, ["a", "b", "c"]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(opened.asked().filter((each) => !each.startsWith("get")), [
    "list",
    "watch",
  ]);
  match(opened.proxy.seen.at(-1)?.path ?? "", /allowWatchBookmarks=true/);
});

Deno.test("an object that is alone is followed by its name, so that a large namespace is not listed", async () => {
  await using opened = await open();
  const run = await wait(opened, ["a"]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(opened.asked().filter((each) => !each.startsWith("get")), [
    "list metadata.name=a",
    "watch metadata.name=a",
  ]);
});

Deno.test("a list has pages, and begins anew when the server forgot its version", async () => {
  await using opened = await open();
  const { proxy } = opened;
  proxy.inject({
    path: /continue=/,
    fault: status(410, "The provided continue parameter is too old", {
      reason: "Expired",
    }),
  });
  const names = Array.from({ length: 60 }, (_, index) => `a${index}`);
  const run = await wait(opened, names);
  strictEqual(run.last.state, "completed", run.last.message);
  // Events are listed, too, while something waits for long.
  const lists = proxy.seen.map(({ path }) => path)
    .filter((path) => path.startsWith(opened.things))
    .filter((path) => path.includes("limit="))
    .map((path) => path.includes("continue=") ? "more" : "first");
  deepStrictEqual(lists, ["first", "more", "first", "more"]);
});

Deno.test("a watch that is cut goes on from where it was", async () => {
  await using opened = await open();
  const { proxy } = opened;
  proxy.inject({ path: /watch=true/, fault: { lines: 1, then: "cut" } });
  const run = await wait(opened, ["a", "b"]);
  strictEqual(run.last.state, "completed", run.last.message);
  const watches = proxy.seen.filter(({ path }) => path.includes("watch=true"));
  const [first, second] = watches.map(({ path }) =>
    Number(new URL(path, "https://x").searchParams.get("resourceVersion"))
  );
  strictEqual(watches.length, 2);
  ok(second !== undefined && first !== undefined && second > first);
  strictEqual(opened.asked().filter((each) => each === "list").length, 1);
});

Deno.test("a watch that falls silent is given up, and another one goes on", async () => {
  await using opened = await open({ request_timeout_ms: 400 });
  const { proxy } = opened;
  proxy.inject({ path: /watch=true/, fault: { lines: 1, then: "hang" } });
  const run = await wait(opened, ["a", "b"]);
  strictEqual(run.last.state, "completed", run.last.message);
  strictEqual(opened.asked().filter((each) => each === "list").length, 1);
});

const GONE = {
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  reason: "Expired",
  message: "too old resource version: 1 (2)",
  code: 410,
};

Deno.test("410 relists, whether it is the answer or comes in the watch", async (t) => {
  const faults = {
    "the answer": status(410, GONE.message, { reason: "Expired" }),
    "in the watch": {
      status: 200,
      body: JSON.stringify({ type: "ERROR", object: GONE }) + "\n",
    },
    "no JSON": { status: 200, body: "<html>\n" },
  };
  for (const [name, fault] of Object.entries(faults)) {
    await t.step(name, async () => {
      await using opened = await open();
      opened.proxy.inject({ path: /watch=true/, fault });
      const run = await wait(opened, ["a", "b"], 2);
      strictEqual(run.last.state, "completed", run.last.message);
      deepStrictEqual(
        opened.asked().filter((each) => !each.startsWith("get")).slice(0, 4),
        ["list", "watch", "list", "watch"],
      );
    });
  }
});

/** A clock that keeps account of pauses. */
class Pauses implements Clock {
  readonly taken: number[] = [];

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  async sleep(ms: number, options: { signal?: AbortSignal } = {}) {
    this.taken.push(ms);
    await systemClock.sleep(ms, options);
  }
}

Deno.test("410 over and over is answered by pauses that grow, whether the watch says so or the list", async (t) => {
  const expired = status(410, GONE.message, { reason: "Expired" });
  const cases = {
    "the watch": {
      path: /watch=true/,
      count: 2,
      watches: 4,
      pauses: [200, 400, 800],
    },
    "the list": {
      path: /continue=/,
      count: 60,
      watches: 1,
      pauses: [100, 200, 400],
    },
  };
  for (
    const [name, { path, count, watches, pauses }] of Object.entries(cases)
  ) {
    await t.step(name, async () => {
      await using opened = await open();
      const { proxy, kube, namespace } = opened;
      await using access = await proxied(proxy, kube, { namespace });
      const clock = new Pauses();
      await using executor = await openExecutor(access.config, {
        clock,
        rng: { next: () => 1 },
      });
      proxy.inject({ path, times: pauses.length, fault: expired });
      const names = Array.from({ length: count }, (_, index) => `a${index}`);
      const run = await wait({ ...opened, executor }, names, watches);
      strictEqual(run.last.state, "completed", run.last.message);
      const own = clock.taken.filter((ms) => pauses.includes(ms));
      deepStrictEqual(own.slice(0, pauses.length), pauses);
    });
  }
});

Deno.test("an object that goes while a list is begun anew is told to be gone, though the first pages had it", async () => {
  await using opened = await open();
  const { proxy, kube, namespace, things, thing, asked } = opened;
  await using access = await proxied(proxy, kube, { namespace });
  proxy.inject({
    path: /continue=/,
    fault: status(410, GONE.message, { reason: "Expired" }),
  });
  const clock = new Pauses();
  const pause = clock.sleep.bind(clock);
  let left = false;
  clock.sleep = async (ms, options) => {
    if (ms === 100 && !left) { // before the list is begun anew
      left = true;
      await write(kube, `${things}/a0`, { method: "DELETE" });
    }
    await pause(ms, options);
  };
  await using executor = await openExecutor(access.config, {
    clock,
    rng: { next: () => 1 },
  });
  const names = Array.from({ length: 60 }, (_, index) => `a${index}`);
  const running = runEvent(executor, names.map(thing), {
    payload: { timeout: "15s" },
  });
  await until(() => asked().some((each) => each.startsWith("watch")));
  for (const name of names.slice(1)) await becomeReady(opened, name);
  const { last } = await running;
  strictEqual(last.state, "failed");
  match(last.message, /^Cannot get Thing "a0" .* ready: it is gone$/);
});

/** What a server says now and then, so that a watch can go on from there. */
function bookmark(resourceVersion: string) {
  const object = { metadata: { resourceVersion } };
  return {
    status: 200,
    body: JSON.stringify({ type: "BOOKMARK", object }) + "\n",
  };
}

Deno.test("a watch goes on from the last bookmark", async () => {
  await using opened = await open();
  const { proxy, kube, things } = opened;
  let version = "";
  await until(async () => {
    const answer = await kube.fetch(things); // 429 until the kind's storage is there
    version = (await answer.json()).metadata.resourceVersion ?? "";
    return answer.ok;
  });
  proxy.inject({ path: /watch=true/, fault: bookmark(version) });
  const run = await wait(opened, ["a", "b"], 2);
  strictEqual(run.last.state, "completed", run.last.message);
  const watches = proxy.seen.filter(({ path }) => path.includes("watch=true"));
  match(watches[1]?.path ?? "", new RegExp(`resourceVersion=${version}&`));
});

Deno.test("a watch that tells nothing is followed by a new list, as the server's store may have been restored", async () => {
  await using opened = await open({ request_timeout_ms: 400 });
  opened.proxy.inject({ path: /watch=true/, fault: bookmark("99999999") });
  const run = await wait(opened, ["a", "b"], 2);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(
    opened.asked().filter((each) => !each.startsWith("get")).slice(0, 4),
    ["list", "watch", "watch", "list"],
  );
});

Deno.test("a watch that cannot be opened for now is tried again", async () => {
  await using opened = await open();
  opened.proxy.inject({ path: /watch=true/, times: 2, fault: { status: 503 } });
  const run = await wait(opened, ["a", "b"], 3);
  strictEqual(run.last.state, "completed", run.last.message);
});

/** A ServiceAccount that may do this with the objects, and an executor that acts as it. */
async function limited(opened: Opened, verbs: string) {
  await using stack = new AsyncDisposableStack();
  const { kube, namespace, group } = opened;
  const admin = stack.use(
    await openPlugin({ kubeconfig: kube.kubeconfig, namespace }),
  );
  const run = await runEvent(admin, [
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: limited}\n",
    `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: limited}
rules: [{apiGroups: [${group}], resources: [things], verbs: [${verbs}]}]
`,
    `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: limited}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: limited}
subjects: [{kind: ServiceAccount, name: limited, namespace: ${namespace}}]
`,
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  const account = stack.use(await actAs(kube, { namespace, name: "limited" }));
  const executor = stack.use(await account.executor(namespace));
  const all = stack.move();
  return { executor, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

Deno.test("polling when `watch` is forbidden, or `list` too", async (t) => {
  for (const verbs of ["get, list, create, patch", "get, create, patch"]) {
    await t.step(verbs, async () => {
      await using opened = await open();
      await using agent = await limited(opened, verbs);
      const run = await runEvent(agent.executor, ["a", "b"].map(opened.thing), {
        async onStatus({ phase, message }) {
          if (phase !== "verifying" || !message.startsWith("Waiting")) return;
          await becomeReady(opened, "a");
          await becomeReady(opened, "b");
        },
      });
      strictEqual(run.last.state, "completed", run.last.message);
      deepStrictEqual(run.warnings, []);
    });
  }
});

Deno.test("a custom object that may not be read is said to be unchecked", async () => {
  await using opened = await open();
  await using agent = await limited(opened, "create, patch");
  const run = await runEvent(agent.executor, [
    opened.thing("a"),
    opened.thing("b"),
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.warnings, [
    `Thing "a" in namespace "${opened.namespace}" and 1 more: their readiness is unchecked: it may not be read`,
  ]);
});

Deno.test("a server that does not answer while objects are waited for ends the event as cluster_unavailable", async () => {
  await using opened = await open({
    request_timeout_ms: 300,
    phase_timeout_ms: 1_500,
  });
  opened.proxy.inject({ path: /limit=/, times: 100, fault: "hang" });
  const run = await runEvent(opened.executor, [opened.thing("a")]);
  strictEqual(run.last.error?.code, "cluster_unavailable", run.last.message);
});

Deno.test("what nobody could look at in time is counted, and named, too", async () => {
  await using opened = await open({ phase_timeout_ms: 6_000 });
  const { executor, proxy, namespace, thing } = opened;
  proxy.inject({ path: /\/services\?/, times: 100, fault: "hang" });
  const service =
    `apiVersion: v1\nkind: Service\nmetadata: {name: lb, namespace: ${namespace}}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n`;
  const run = await runEvent(executor, [service, thing("a")]);
  strictEqual(run.last.error?.code, "not_ready", run.last.message);
  match(
    run.last.message,
    /^Cannot get Thing "a" in .* ready in time: .*not yet \(and 1 more\)$/,
  );
  const waiting = run.last.error?.details?.["waiting"] as {
    readonly kind: string;
    readonly reason: string;
  }[];
  deepStrictEqual(
    waiting.map(({ kind, reason }) => `${kind}: ${reason}`).at(1),
    "Service: the API server has not said how it is",
  );
});

Deno.test("waiting can be cancelled, and leaves nothing behind", async () => {
  await using opened = await open();
  const stop = new AbortController();
  const run = await runEvent(opened.executor, [opened.thing("a")], {
    signal: stop.signal,
    onStatus({ phase, message }) {
      if (phase === "verifying" && message.startsWith("Waiting")) stop.abort();
    },
  });
  strictEqual(run.last.state, "cancelled");
});
