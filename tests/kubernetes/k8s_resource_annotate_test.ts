/** Annotations that say which event has changed an object: README.md, "Apply". */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { silentLogger, systemClock, systemRng } from "@transporter/sdk";
import { memberObject } from "../../plugins/k8s_resource/apply_set_record.ts";
import { retrying } from "../../plugins/k8s_resource/apply_calls.ts";
import { openCluster } from "../../plugins/k8s_resource/cluster.ts";
import { optionsOf } from "../../plugins/k8s_resource/event_options.ts";
import { ObjectStates } from "../../plugins/k8s_resource/object_states.ts";
import { tellProvenance } from "../../plugins/k8s_resource/provenance.ts";
import { resultOf } from "../../plugins/k8s_resource/result.ts";
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
  until,
  write,
} from "./k8s_resource.ts";

/** An object, as far as it is looked at. */
interface Live {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields: readonly {
      readonly manager: string;
      readonly fieldsV1: Readonly<Record<string, unknown>>;
    }[];
  };
}

function live({ kube, namespace }: Place, name = "a"): Promise<Live> {
  return read(kube, configMapPath(namespace, name));
}

/** What the annotations say. */
async function told(place: Place, name = "a"): Promise<unknown> {
  return (await live(place, name)).metadata.annotations;
}

/** The annotations for an event, and for a manifest where it counts. */
function says(id: string, manifest?: string): Record<string, string> {
  const digest = manifest &&
    `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
  return {
    "transporter/event-id": id,
    ...(digest === undefined ? {} : { "transporter/digest": digest }),
  };
}

const annotate = { payload: { annotate: true } };

/** A place behind a proxy. */
async function behindProxy() {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openPlace());
  const { kube, namespace } = place;
  const proxy = stack.use(
    await FaultProxy.open({ server: kube.server, caPem: kube.address.caPem }),
  );
  const access = stack.use(await proxied(proxy, kube, { namespace }));
  const executor = stack.use(await openPlugin(access.config));
  const all = stack.move();
  return {
    place,
    proxy,
    executor,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

Deno.test("option annotate: an object says which event made it, and stays as it is when nothing changes", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const manifest = configMap(namespace, "a");
  const first = await runEvent(executor, [manifest], {
    ...annotate,
    id: "e-1",
  });
  deepStrictEqual(changes(first), ["ConfigMap/a: created"]);
  deepStrictEqual(await told(place), says("e-1", manifest));
  const { metadata } = await live(place);
  strictEqual(first.objects[0]?.resource_version, metadata.resourceVersion);
  for (const { manager, fieldsV1 } of metadata.managedFields) {
    deepStrictEqual(
      Object.keys(fieldsV1),
      manager === "transporter" ? ["f:data"] : ["f:metadata"],
      "what is in the manifest is one manager's, the annotations another's",
    );
  }
  for (
    const payload of [
      { annotate: true },
      {},
      { operation: "diff" },
      { operation: "check" },
      { dry_run: true, annotate: true },
    ]
  ) {
    const again = await runEvent(executor, [manifest], { payload, id: "e-2" });
    deepStrictEqual(changes(again), ["ConfigMap/a: unchanged"]);
  }
  strictEqual(
    (await live(place)).metadata.resourceVersion,
    metadata.resourceVersion,
  );
});

Deno.test("option annotate: events that change the object later keep it true, also without the option", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await runEvent(executor, [configMap(namespace, "a")], annotate);
  const manifest = configMap(namespace, "a", "a: c");
  const changed = await runEvent(executor, [manifest], { id: "e-2" });
  deepStrictEqual(changes(changed), ["ConfigMap/a: configured"]);
  deepStrictEqual(changed.objects[0]?.changed_fields, [".data.a"]);
  deepStrictEqual(await told(place), says("e-2", manifest));
  await runEvent(executor, [manifest], {
    id: "e-3",
    payload: { operation: "patch", patch: { data: { b: "c" } } },
  });
  deepStrictEqual(await told(place), says("e-3"), "a patch has no manifest");
});

Deno.test("option annotate: nothing is said without it, nor by a dry run", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await runEvent(executor, [configMap(namespace, "a")]);
  const other = configMap(namespace, "a", "a: c");
  await runEvent(executor, [other], {
    payload: { annotate: true, dry_run: true },
  });
  await runEvent(executor, [other]);
  await runEvent(executor, [other], annotate);
  strictEqual(await told(place), undefined);
  await runEvent(executor, [other], {
    id: "e-4",
    payload: {
      operation: "patch",
      patch: { data: { b: "c" } },
      annotate: true,
    },
  });
  deepStrictEqual(await told(place), says("e-4"));
});

Deno.test("option annotate: goes with generateName, with replace_immutable and with an ApplySet", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const unnamed =
    `{apiVersion: v1, kind: ConfigMap, metadata: {generateName: "run-"}}`;
  const made = await runEvent(executor, [unnamed], { ...annotate, id: "e-1" });
  const name = made.objects[0]?.name;
  const { "transporter/event-id": id } = await told(place, name) as {
    "transporter/event-id": string;
  };
  strictEqual(id, "e-1");
  const again = await runEvent(executor, [unnamed], { ...annotate, id: "e-1" });
  deepStrictEqual(changes(again), [`ConfigMap/${name}: unchanged`]);

  const sealed = (data: string) =>
    configMap(namespace, "sealed", `${data}\nimmutable: true`);
  const payload = { annotate: true, replace_immutable: true };
  await runEvent(executor, [sealed("a: b")], { payload });
  await runEvent(executor, [sealed("a: c")], { payload, id: "e-2" });
  deepStrictEqual(await told(place, "sealed"), says("e-2", sealed("a: c")));

  const both = [configMap(namespace, "m-1"), configMap(namespace, "m-2")];
  const set = { annotate: true, apply_set: "team" };
  await runEvent(executor, both, { payload: set });
  const pruned = await runEvent(executor, both.slice(0, 1), { payload: set });
  deepStrictEqual(changes(pruned), [
    "ConfigMap/m-1: unchanged",
    "ConfigMap/m-2: deleted",
  ]);
});

Deno.test("option annotate: what a standing check sets right says so, time after time", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  const manifest = configMap(namespace, "a");
  await runEvent(executor, [manifest], annotate);
  await write(kube, configMapPath(namespace, "a"), {
    method: "PATCH",
    body: { data: { a: "drifted" } },
  });
  const checked = await runEvent(executor, [manifest], {
    id: "standing",
    payload: { operation: "check", every: "1h", heal: true },
    minutes: 0.05,
  });
  match(checked.statuses.map(({ message }) => message).join(), /is set right/);
  deepStrictEqual(await told(place), says("standing", manifest));
});

Deno.test("option annotate: an attempt that ended in between leaves it to the next one", async () => {
  await using through = await behindProxy();
  const { place, proxy, executor } = through;
  const manifest = configMap(place.namespace, "a");
  const path = /fieldManager=transporter-provenance/;
  proxy.inject({ fault: "hang", path });
  const stop = new AbortController();
  const createdAt = new Date(systemClock.now()).toISOString();
  const event = { ...annotate, id: "e-1", createdAt };
  const first = runEvent(executor, [manifest], {
    ...event,
    signal: stop.signal,
  });
  await until(() =>
    Promise.resolve(proxy.seen.some((request) => path.test(request.path)))
  );
  stop.abort();
  await first;
  strictEqual(await told(place), undefined);
  // By another agent: of a later event of its own, this one would leave the object to that.
  const other = await runEvent(place.executor, [manifest], {
    ...event,
    id: "e-2",
  });
  deepStrictEqual(changes(other), ["ConfigMap/a: unchanged"]);
  strictEqual(await told(place), undefined, "it was not the other event");
  await runEvent(executor, [manifest], { ...event, attempt: 2 });
  deepStrictEqual(await told(place), says("e-1", manifest));
  // One of earlier has not done it.
  const early = { ...annotate, id: "e-3", attempt: 2 };
  await runEvent(executor, [manifest], early);
  deepStrictEqual(await told(place), says("e-1", manifest));
});

Deno.test("option annotate: what cannot be annotated is applied all the same, and warned of", async () => {
  await using through = await behindProxy();
  const { place: { namespace }, proxy, executor } = through;
  proxy.inject({
    fault: status(403, "no annotations here", { reason: "Forbidden" }),
    path: /fieldManager=transporter-provenance/,
  });
  const run = await runEvent(executor, [configMap(namespace, "a")], annotate);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"]);
  deepStrictEqual(run.warnings, [
    `Cannot annotate ConfigMap "a" in namespace "${namespace}": no annotations here`,
  ]);
});

Deno.test("option annotate: an object that is gone meanwhile is not made anew by its annotations", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  const path = configMapPath(namespace, "a");
  await runEvent(executor, [configMap(namespace, "a")]);
  const after = await live(place);
  await write(kube, path, { method: "DELETE" });
  const clock = systemClock;
  using cluster = await openCluster({ kubeconfig: kube.kubeconfig }, {
    clock,
    rng: systemRng,
  });
  const object = memberObject(
    { group: "", version: "v1", kind: "ConfigMap", namespace, name: "a" },
    path,
  );
  const context = {
    idempotencyKey: "e-1",
    createdAt: "2026-11-23T05:04:27Z",
    attempt: 1,
    deadline: clock.now() + 60_000,
    signal: new AbortController().signal,
    log: silentLogger,
    report: () => Promise.resolve(),
    output() {},
  };
  const apply = {
    cluster,
    context,
    options: optionsOf({ annotate: true }),
    until: clock.now() + 60_000,
    states: new ObjectStates(clock, [object]),
  };
  const { warnings } = await tellProvenance(object, { ...after }, {
    done: { result: resultOf(object, "created", "") },
    limits: retrying("apply", apply),
  }, apply);
  match(String(warnings), /^Cannot annotate ConfigMap "a"/);
  const answer = await kube.fetch(path);
  await answer.body?.cancel();
  ok(answer.status === 404);
});
