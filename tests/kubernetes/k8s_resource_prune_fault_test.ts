import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { status } from "../fault_proxy.ts";
import {
  KEP,
  kinds,
  type Live,
  maps,
  openBehindProxy,
  PART_OF,
  send,
} from "./apply_set.ts";
import {
  changes,
  configMap,
  configMapPath,
  openPlace,
  read,
  runEvent,
  write,
} from "./k8s_resource.ts";

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
  await using cluster = await openBehindProxy();
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
  await using cluster = await openBehindProxy();
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
  await using cluster = await openBehindProxy();
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
  await using cluster = await openBehindProxy();
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

Deno.test("option apply_set: an event that is overtaken begins no new group, and what it has applied can still be found", async () => {
  await using cluster = await openBehindProxy();
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
  await using cluster = await openBehindProxy();
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

Deno.test("option apply_set: while the server of a kind of the set is down nothing is pruned, and the set's other objects are applied", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const group = `${namespace}.example.com`;
  const services = "/apis/apiregistration.k8s.io/v1/apiservices";
  const a = configMap(namespace, "a");
  await send(place, [a]);
  await write(kube, `/api/v1/namespaces/${namespace}/secrets/web`, {
    method: "PATCH",
    body: {
      metadata: {
        annotations: {
          [`${KEP}/contains-group-kinds`]: `ConfigMap,Thing.${group}`,
        },
      },
    },
  });
  await write(kube, services, {
    method: "POST",
    type: "application/json",
    body: {
      metadata: { name: `v1.${group}` },
      spec: {
        group,
        version: "v1",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { name: "none", namespace },
      },
    },
  });
  try {
    const b = configMap(namespace, "b");
    let run = await send(place, [b]);
    // The API server takes a moment to know that nobody is there.
    while (run.last.error?.code === "unknown_kind") {
      run = await send(place, [b]);
    }
    strictEqual(run.last.error?.code, "cluster_unavailable", run.last.message);
    match(
      run.last.message,
      /the server of the kind "Thing\..*" does not answer/,
    );
    deepStrictEqual(await maps(place), ["a", "b"]);
    strictEqual(await kinds(place), `ConfigMap,Thing.${group}`);
    const other = await send(place, [b], {
      apply_set: "other",
      adopt: "always",
    });
    strictEqual(other.last.state, "completed", "of another set");
  } finally {
    await write(kube, `${services}/v1.${group}`, { method: "DELETE" });
  }
});
