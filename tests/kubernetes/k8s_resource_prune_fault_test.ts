import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { FaultProxy, status } from "../fault_proxy.ts";
import {
  changes,
  configMap,
  configMapPath,
  openPlace,
  openPlugin,
  type Place,
  proxied,
  read,
  runEvent,
  type RunOptions,
  thingDefinition,
  write,
} from "./k8s_resource.ts";

const KEP = "applyset.kubernetes.io";
const PART_OF = `${KEP}/part-of`;

interface Live {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** A place, and a second executor, whose requests go through a proxy. */
async function open() {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openPlace());
  const { kube, namespace } = place;
  const proxy = stack.use(
    await FaultProxy.open({ server: kube.server, caPem: kube.address.caPem }),
  );
  const { config } = stack.use(await proxied(proxy, kube, { namespace }));
  const behind = stack.use(await openPlugin(config));
  const all = stack.move();
  return {
    place,
    proxy,
    config,
    /** The executor behind the proxy, in the same namespace. */
    behind: { ...place, executor: behind },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Applies these for a set, "web" unless the payload says otherwise. */
function send(
  { executor }: Pick<Place, "executor">,
  manifests: readonly string[],
  payload: Readonly<Record<string, unknown>> = {},
  options: RunOptions = {},
) {
  const all = { apply_set: "web", ...payload };
  return runEvent(executor, manifests, { ...options, payload: all });
}

async function listed({ kube }: Place, path: string): Promise<Live[]> {
  const { items } = await read<{ items: Live[] }>(kube, path);
  return items.filter(({ metadata }) => metadata.name !== "kube-root-ca.crt");
}

async function maps(place: Place): Promise<string[]> {
  const path = `/api/v1/namespaces/${place.namespace}/configmaps`;
  return (await listed(place, path)).map(({ metadata }) => metadata.name);
}

/** The kinds that the account of the set "web" has. */
async function kinds({ kube, namespace }: Place): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/secrets/web`;
  const { metadata } = await read<Live>(kube, path);
  return metadata.annotations?.[`${KEP}/contains-group-kinds`] ?? "";
}

Deno.test("option apply_set: an object of another set is refused, and adopt always takes it out of that one", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const a = configMap(namespace, "a");
  const b = configMap(namespace, "b");
  await send(place, [a, b]);
  const other = await send(place, [a], { apply_set: "api" });
  strictEqual(other.last.error?.code, "conflict");
  match(other.last.message, /the ApplySet "applyset-.*" looks after it/);
  const none = await runEvent(executor, [a]);
  strictEqual(none.last.error?.code, "conflict");
  strictEqual((await send(place, [a, b])).last.state, "completed");

  const taken = await send(place, [a], { apply_set: "api", adopt: "always" });
  strictEqual(taken.last.state, "completed", taken.last.message);
  const after = await send(place, [b]);
  deepStrictEqual(changes(after), ["ConfigMap/b: unchanged"]);
  deepStrictEqual(await maps(place), ["a", "b"]);
});

Deno.test("option apply_set: what a controller made in the image of a member is left to it", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const a = configMap(namespace, "a");
  await send(place, [a]);
  const { metadata } = await read<{ metadata: { uid: string } } & Live>(
    kube,
    configMapPath(namespace, "a"),
  );
  await write(kube, `/api/v1/namespaces/${namespace}/configmaps`, {
    method: "POST",
    type: "application/json",
    body: {
      metadata: {
        name: "a-copy",
        labels: metadata.labels,
        ownerReferences: [{
          apiVersion: "v1",
          kind: "ConfigMap",
          name: "a",
          uid: metadata.uid,
          controller: true,
        }],
      },
    },
  });
  deepStrictEqual(changes(await send(place, [a])), ["ConfigMap/a: unchanged"]);
  deepStrictEqual(await maps(place), ["a", "a-copy"]);
});

Deno.test("option apply_set: nothing is pruned when a list is refused or a kind is not known, and the account stays wide", async () => {
  await using cluster = await open();
  const { place, behind, proxy } = cluster;
  const { namespace, kube } = place;
  const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n";
  await send(place, [configMap(namespace, "a"), account]);
  proxy.inject({
    method: "GET",
    path: /serviceaccounts\?labelSelector/,
    fault: status(403, "cannot list", { reason: "Forbidden" }),
  });
  const b = configMap(namespace, "b");
  const denied = await send(behind, [b]);
  strictEqual(denied.last.error?.code, "denied", denied.last.message);
  deepStrictEqual(changes(denied), ["ConfigMap/b: created"]);
  deepStrictEqual(await maps(place), ["a", "b"]);
  strictEqual(await kinds(place), "ConfigMap,ServiceAccount");

  await write(kube, `/api/v1/namespaces/${namespace}/secrets/web`, {
    method: "PATCH",
    body: {
      metadata: {
        annotations: {
          [`${KEP}/contains-group-kinds`]: "ConfigMap,Gone.example.com",
        },
      },
    },
  });
  const lost = await send(place, [b]);
  strictEqual(lost.last.error?.code, "unknown_kind");
  match(lost.last.message, /no kind "Gone\.example\.com" any more/);
  deepStrictEqual(await maps(place), ["a", "b"]);
  strictEqual(await kinds(place), "ConfigMap,Gone.example.com");
});

Deno.test("option apply_set: a later event that begins while an older one prunes keeps what it applied", async () => {
  await using cluster = await open();
  const { place, behind, proxy } = cluster;
  const { namespace } = place;
  const [a, b] = [configMap(namespace, "a"), configMap(namespace, "b")];
  await send(place, [a, b]);
  proxy.inject({ method: "DELETE", fault: "cut" });
  let begun = false;
  const older = await send(behind, [b], {}, {
    id: "older",
    async onStatus({ message }) {
      if (begun || !/^Trying again to delete/.test(message)) return;
      begun = true;
      const newer = await send(place, [a, b], {}, { id: "newer" });
      deepStrictEqual(changes(newer), [
        "ConfigMap/a: unchanged",
        "ConfigMap/b: unchanged",
      ]);
    },
  });
  ok(begun, older.last.message);
  strictEqual(older.last.error?.code, "conflict");
  match(older.last.message, /the later event "newer" has begun/);
  deepStrictEqual(await maps(place), ["a", "b"]);
});

Deno.test("option apply_set: an object that changed since it was found is looked at again, and stays when it is no member any more", async () => {
  await using cluster = await open();
  const { place, behind, proxy } = cluster;
  const { namespace, kube } = place;
  const names = ["a", "b", "c"];
  await send(place, names.map((name) => configMap(namespace, name)));
  proxy.inject({ method: "DELETE", fault: "cut", times: 2 });
  let changed = false;
  const run = await send(behind, [configMap(namespace, "c")], {}, {
    async onStatus({ message }) {
      if (changed || !/^Trying again to delete/.test(message)) return;
      changed = true;
      const labels = { [PART_OF]: null };
      await write(kube, configMapPath(namespace, "a"), {
        method: "PATCH",
        body: { metadata: { labels } },
      });
      await write(kube, configMapPath(namespace, "b"), {
        method: "PATCH",
        body: { data: { by: "a controller" } },
      });
    },
  });
  ok(changed, run.last.message);
  deepStrictEqual(changes(run), [
    "ConfigMap/c: unchanged",
    "ConfigMap/a: skipped",
    "ConfigMap/b: deleted",
  ]);
  deepStrictEqual(await maps(place), ["a", "c"]);
});

Deno.test("option apply_set: the parent, lists and deletes are asked for as the identity of the event", async () => {
  await using cluster = await open();
  const { place, behind, proxy } = cluster;
  const { namespace } = place;
  await send(place, [configMap(namespace, "a")]);
  const as = {
    service_account: `${namespace}/deployer`,
    groups: ["system:masters"],
  };
  proxy.seen.length = 0;
  const run = await send(behind, [configMap(namespace, "b")], { as });
  strictEqual(run.last.state, "completed", run.last.message);
  const work = proxy.seen.filter(({ path }) => path.startsWith("/api/v1/"));
  for (
    const [method, path] of [
      ["GET", /secrets\/web$/],
      ["PATCH", /secrets\/web\?/],
      ["GET", /configmaps\?labelSelector/],
      ["DELETE", /configmaps\/a$/],
    ] as const
  ) {
    ok(
      work.some((each) => each.method === method && path.test(each.path)),
      `${method} ${path}`,
    );
  }
  for (const { as, method, path } of work) {
    strictEqual(as.length, 2, `${method} ${path}`);
  }
});

/** The kind of every object that says it is a member of the set, wherever it is. */
async function memberKinds(place: Place, group: string): Promise<string[]> {
  const { namespace } = place;
  const at = {
    ConfigMap: `/api/v1/namespaces/${namespace}/configmaps`,
    ServiceAccount: `/api/v1/namespaces/${namespace}/serviceaccounts`,
    [`Thing.${group}`]: `/apis/${group}/v1/namespaces/${namespace}/things`,
    "CustomResourceDefinition.apiextensions.k8s.io":
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  };
  const found: string[] = [];
  for (const [kind, path] of Object.entries(at)) {
    const objects = await listed(place, path).catch((error) => {
      if (/answered 404/.test(String(error))) return []; // the definition is gone
      throw error;
    });
    const ours = objects.filter(({ metadata }) =>
      kind.startsWith("Custom")
        ? metadata.name === `things.${group}`
        : metadata.labels?.[PART_OF] !== undefined
    );
    if (ours.length > 0) found.push(kind);
  }
  return found;
}

Deno.test("option apply_set: an agent that ends before any of its requests, or before their answers, loses no member", async (t) => {
  for (const fault of ["cut", "cut_after"] as const) {
    let more = true;
    for (let n = 1; more; n++) {
      await t.step(`${fault} at write ${n}`, async () => {
        await using cluster = await open();
        const { place, behind, proxy, config } = cluster;
        const { namespace } = place;
        const group = `${namespace}.example.com`;
        await send(place, [
          configMap(namespace, "a"),
          thingDefinition(group),
          `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a}\n`,
        ]);
        const event = { id: "killed" };
        const manifests = [
          configMap(namespace, "b"),
          "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n",
        ];
        const payload = { prune_kinds: ["CustomResourceDefinition"] };
        const agent = new AbortController();
        proxy.inject({
          method: ["POST", "PATCH", "DELETE"],
          fault,
          after: n - 1,
        });
        const killed = await send(behind, manifests, payload, {
          ...event,
          signal: agent.signal,
          onStatus({ message }) {
            if (message.startsWith("Trying again")) agent.abort();
          },
        });
        more = killed.last.state !== "completed";
        const covered = (await kinds(place)).split(",");
        for (const kind of await memberKinds(place, group)) {
          ok(covered.includes(kind), `${kind} is lost: ${covered}`);
        }
        proxy.heal();
        await using next = await openPlugin(config);
        const run = await send({ executor: next }, manifests, payload, {
          ...event,
          attempt: 2,
        });
        strictEqual(run.last.state, "completed", run.last.message);
        strictEqual(await kinds(place), "ConfigMap,ServiceAccount");
        deepStrictEqual(await maps(place), ["b"]);
        deepStrictEqual(await memberKinds(place, group), [
          "ConfigMap",
          "ServiceAccount",
        ]);
      });
    }
  }
});

Deno.test("option apply_set: an event that is overtaken begins no new group, and what it has applied can still be found", async () => {
  await using cluster = await open();
  const { place, behind, proxy } = cluster;
  const { namespace } = place;
  const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n";
  const [a, b] = [configMap(namespace, "a"), configMap(namespace, "b")];
  proxy.inject({ method: "PATCH", path: /serviceaccounts/, fault: "cut" });
  let begun = false;
  const older = await send(behind, [account, a], {}, {
    id: "older",
    async onStatus({ message }) {
      if (begun || !/^Trying again to apply/.test(message)) return;
      begun = true;
      const newer = await send(place, [b], {}, { id: "newer" });
      strictEqual(newer.last.state, "completed", newer.last.message);
    },
  });
  strictEqual(older.last.error?.code, "conflict", older.last.message);
  deepStrictEqual(changes(older), [
    "ServiceAccount/s: created",
    "ConfigMap/a: not_attempted",
  ]);
  strictEqual(await kinds(place), "ConfigMap,ServiceAccount");
  const next = await send(place, [b]);
  deepStrictEqual(changes(next), [
    "ConfigMap/b: unchanged",
    "ServiceAccount/s: deleted",
  ]);
  strictEqual(await kinds(place), "ConfigMap");
});

Deno.test("option apply_set: two agents that begin a set at once agree on who was later", async () => {
  await using cluster = await open();
  const { place, behind } = cluster;
  const { namespace } = place;
  const runs = await Promise.all([
    send(place, [configMap(namespace, "a")], {}, { id: "a" }),
    send(behind, [configMap(namespace, "b")], {}, { id: "b" }),
  ]);
  const { metadata } = await read<Live>(
    place.kube,
    `/api/v1/namespaces/${namespace}/secrets/web`,
  );
  const turns = JSON.parse(
    metadata.annotations?.["transporter/apply-set-events"] ?? "[]",
  );
  const later = turns.at(-1).id;
  const last = runs.map(({ last }) => last);
  strictEqual(
    last.find(({ event_id: id }) => id === later)?.state,
    "completed",
    JSON.stringify(last),
  );
  ok((await maps(place)).includes(later));
});

Deno.test("option apply_set: the account of a set stays, and so does the namespace that it is in", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  const home =
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}}\n`;
  const a = configMap(namespace, "a");
  await send(place, [home, a]);
  const run = await send(place, [a], { prune_kinds: ["Namespace"] });
  deepStrictEqual(changes(run).slice(1), [`Namespace/${namespace}: skipped`]);
  match(run.objects[1]?.message ?? "", /the account of the ApplySet is in it/);
  const parent = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\n";
  const refused = await send(place, [parent, a]);
  strictEqual(refused.last.error?.code, "invalid_manifest");
  match(refused.last.message, /keeps account of the ApplySet, so it cannot/);
});

Deno.test("option apply_set: propagation says what becomes of what pruned objects own", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await send(place, [configMap(namespace, "a"), configMap(namespace, "b")]);
  const { metadata } = await read<{ metadata: { uid: string } }>(
    kube,
    configMapPath(namespace, "a"),
  );
  await write(kube, `/api/v1/namespaces/${namespace}/configmaps`, {
    method: "POST",
    type: "application/json",
    body: {
      metadata: {
        name: "owned",
        ownerReferences: [{
          apiVersion: "v1",
          kind: "ConfigMap",
          name: "a",
          uid: metadata.uid,
        }],
      },
    },
  });
  const run = await send(place, [configMap(namespace, "b")], {
    propagation: "orphan",
  });
  strictEqual(run.last.state, "completed", run.last.message);
  const owned = await read<{ metadata: { ownerReferences?: unknown } }>(
    kube,
    configMapPath(namespace, "owned"),
  );
  strictEqual(owned.metadata.ownerReferences, undefined);
  deepStrictEqual(await maps(place), ["b", "owned"]);
});

Deno.test("option apply_set: of 1,000 members 999 go in one event", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  const names = Array.from({ length: 1_000 }, (_, i) => `m-${i}`);
  const all = names.map((name) => configMap(namespace, name)).join("---\n");
  const first = await send(place, [all]);
  strictEqual(first.last.state, "completed", first.last.message);
  const run = await send(place, [configMap(namespace, "m-500")]);
  strictEqual(run.last.state, "completed", run.last.message);
  strictEqual(
    run.objects.filter(({ status }) => status === "deleted").length,
    999,
  );
  deepStrictEqual(await maps(place), ["m-500"]);
});
