/** Replicas that a HorizontalPodAutoscaler looks after: README.md, "Apply", the line on HPA. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { readYaml } from "../../plugins/k8s_resource/yaml_document.ts";
import { FaultProxy } from "../fault_proxy.ts";
import {
  changes,
  deployment,
  grant,
  openPlace,
  openPlugin,
  type Place,
  proxied,
  read,
  type Run,
  runEvent,
  write,
} from "./k8s_resource.ts";

/** An autoscaler, of an object that it names. */
function autoscaler(
  name: string,
  target = "{apiVersion: apps/v1, kind: Deployment, name: web}",
): string {
  return `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: ${name}}
spec: {scaleTargetRef: ${target}, minReplicas: 1, maxReplicas: 20}
`;
}

const IMAGE = "local/none:2";

/** A Deployment and its autoscaler, applied. */
async function scaledPlace(): Promise<Place> {
  const place = await openPlace();
  const { namespace, executor } = place;
  await send(executor, [deployment(namespace, "web"), autoscaler("web-hpa")]);
  return place;
}

function send(
  executor: Place["executor"],
  manifests: readonly string[],
  payload: Readonly<Record<string, unknown>> = {},
): Promise<Run> {
  const wait = payload.operation === undefined ? { wait: "none" } : {};
  return runEvent(executor, manifests, { payload: { ...wait, ...payload } });
}

function pathOf({ namespace }: Place): string {
  return `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
}

/** Scales as an autoscaler does, or `kubectl scale`. */
function scale(place: Place, replicas: number): Promise<void> {
  const query = "fieldManager=kube-controller-manager";
  return write(place.kube, `${pathOf(place)}/scale?${query}`, {
    method: "PATCH",
    body: { spec: { replicas } },
  });
}

/** How many replicas there are, and of which image. */
async function state(place: Place): Promise<string> {
  const { spec } = await read<{
    spec: {
      replicas: number;
      template: { spec: { containers: { image: string }[] } };
    };
  }>(place.kube, pathOf(place));
  return `${spec.replicas} of ${spec.template.spec.containers[0]?.image}`;
}

/** The Deployment with another image, and the replicas that are said. */
function next({ namespace }: Place, replicas?: number): string {
  const text = deployment(namespace, "web", IMAGE);
  return replicas === undefined
    ? text.replace("  replicas: 1\n", "")
    : text.replace("replicas: 1", `replicas: ${replicas}`);
}

for (const now of [7, 0]) {
  Deno.test(`HPA: an apply that would change replicas that were scaled to ${now} is a conflict, which names the autoscaler`, async () => {
    await using place = await scaledPlace();
    const { namespace, executor } = place;
    await scale(place, now);
    for (const payload of [{}, { dry_run: true }]) {
      const { last } = await send(executor, [next(place, 1)], payload);
      strictEqual(last.error?.code, "conflict");
      strictEqual(
        last.message,
        `Cannot apply Deployment "web" in namespace "${namespace}": the HorizontalPodAutoscaler "web-hpa" looks after its replicas, of which there are ${now}, and not 1; name "/spec/replicas" in "ignore_fields" to leave them to it, or set "force_conflicts"`,
      );
    }
    strictEqual(await state(place), `${now} of local/none:1`);
  });

  Deno.test(`HPA: ignore_fields, no replicas in the manifest, and force_conflicts are the ways out, from ${now}`, async () => {
    await using place = await scaledPlace();
    const { executor } = place;
    await scale(place, now);
    const pointers = ["/spec/replicas"];
    const ignored = await send(executor, [next(place, 1)], {
      ignore_fields: [{ api_version: "apps/v1", kind: "Deployment", pointers }],
    });
    deepStrictEqual(changes(ignored), ["Deployment/web: configured"]);
    deepStrictEqual(ignored.warnings, []);
    strictEqual(await state(place), `${now} of ${IMAGE}`);
    const without = await send(executor, [next(place)]);
    strictEqual(without.last.state, "completed", without.last.message);
    strictEqual(await state(place), `${now} of ${IMAGE}`);
    const forced = await send(executor, [next(place, 3)], {
      force_conflicts: true,
    });
    match(
      forced.warnings.join(),
      new RegExp(`"web-hpa" looks after its .* are ${now}; by force .* 3$`),
    );
    strictEqual(await state(place), `3 of ${IMAGE}`);
  });
}

Deno.test("HPA: the conflict with who has scaled names the manager and the subresource scale", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await send(executor, [deployment(namespace, "web")]);
  await scale(place, 7);
  const { last } = await send(executor, [next(place, 1)]);
  strictEqual(last.error?.code, "conflict");
  match(
    last.message,
    /: "kube-controller-manager" \(by the subresource "scale"\) owns \.spec\.replicas; take these/,
  );
});

Deno.test("HPA: replicas that our manager owns and the manifest drops would go back to one, which is a conflict, too", async () => {
  await using place = await scaledPlace();
  const { executor } = place;
  await send(executor, [next(place, 5)], { force_conflicts: true });
  const dropped = await send(executor, [next(place)]);
  strictEqual(dropped.last.error?.code, "conflict");
  match(dropped.last.message, /are 5, and not 1; name "\/spec\/replicas"/);
  const pointers = ["/spec/replicas"];
  const ignored = await send(executor, [next(place)], {
    ignore_fields: [{ api_version: "apps/v1", kind: "Deployment", pointers }],
  });
  strictEqual(ignored.last.state, "completed", ignored.last.message);
  strictEqual(await state(place), `5 of ${IMAGE}`);
  const after = await send(executor, [next(place)]);
  strictEqual(after.last.state, "completed", after.last.message);
  strictEqual(await state(place), `5 of ${IMAGE}`);
});

Deno.test("HPA: replicas that kubectl has applied and the manifest drops are a conflict, too", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  const query = "?fieldManager=kubectl-client-side-apply";
  await write(kube, pathOf(place).replace(/\/web$/, query), {
    method: "POST",
    type: "application/yaml",
    body: readYaml(
      deployment(namespace, "web").replace("replicas: 1", "replicas: 4"),
    ).value,
  });
  await send(executor, [autoscaler("web-hpa")]);
  const { last } = await send(executor, [next(place)]);
  strictEqual(last.error?.code, "conflict");
  match(last.message, /"web-hpa" looks after its .* are 4, and not 1/);
  strictEqual(await state(place), "4 of local/none:1");
});

Deno.test("HPA: one of another name, kind or group does not count", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await send(executor, [
    deployment(namespace, "web"),
    autoscaler("a", "{apiVersion: apps/v1, kind: Deployment, name: web2}"),
    autoscaler("b", "{apiVersion: apps/v1, kind: StatefulSet, name: web}"),
    autoscaler(
      "c",
      "{apiVersion: example.com/v1, kind: Deployment, name: web}",
    ),
  ]);
  await scale(place, 0);
  const run = await send(executor, [next(place, 1)]);
  deepStrictEqual(changes(run), ["Deployment/web: configured"]);
  deepStrictEqual(run.warnings, []);
  strictEqual(await state(place), `1 of ${IMAGE}`);
});

Deno.test("HPA: is asked for once in an event, and only when replicas would change", async () => {
  await using place = await scaledPlace();
  const { kube, namespace } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using access = await proxied(proxy, kube, { namespace });
  await using executor = await openPlugin(access.config);
  const asked = () =>
    proxy.seen.filter(({ path }) =>
      path.includes("autoscalers?") ||
      path.endsWith("autoscalers")
    ).length;
  const all = (replicas: number) =>
    ["a", "b", "c"].map((name) =>
      deployment(namespace, name).replace(
        "replicas: 1",
        `replicas: ${replicas}`,
      )
    );
  await send(executor, [next(place, 1), ...all(1)]);
  await send(executor, all(1));
  strictEqual(asked(), 0);
  const run = await send(executor, all(2));
  strictEqual(run.last.state, "completed", run.last.message);
  strictEqual(asked(), 1);
});

Deno.test("HPA: who may not list them applies all the same, and is warned", async () => {
  await using place = await scaledPlace();
  const { namespace, executor } = place;
  await scale(place, 0);
  await grant(place, { kind: "ServiceAccount", name: "web", namespace }, {
    apiGroups: ["apps"],
    resources: ["deployments"],
    verbs: ["get", "create", "patch"],
  });
  const run = await send(executor, [next(place, 1)], {
    as: { service_account: `${namespace}/web` },
  });
  deepStrictEqual(changes(run), ["Deployment/web: configured"]);
  match(
    run.warnings.join(),
    /^Deployment "web" .*: whether an autoscaler looks after replicas is not known: .*cannot list resource "horizontalpodautoscalers"/,
  );
});

Deno.test("HPA: a diff, a check and a patch say so, and a check leaves the object", async () => {
  await using place = await scaledPlace();
  const { namespace, executor } = place;
  await scale(place, 7);
  const manifests = [next(place, 1)];
  for (const operation of ["diff", "check"]) {
    const { warnings, last } = await send(executor, manifests, { operation });
    strictEqual(last.state, "completed", last.message);
    match(warnings.join("\n"), /"web-hpa" looks after its .* are 7, and not 1/);
  }
  const healed = await runEvent(executor, manifests, {
    payload: { operation: "check", every: "1h", heal: true },
    minutes: 0.05,
  });
  match(
    healed.statuses.map(({ message }) => message).join("\n"),
    /is drifted and cannot be set right: .* "web-hpa" looks after its/,
  );
  strictEqual(await state(place), "7 of local/none:1");
  const patched = await send(executor, manifests, {
    operation: "patch",
    patch: { spec: { replicas: 2 } },
  });
  deepStrictEqual(patched.warnings, [
    `Deployment "web" in namespace "${namespace}": the HorizontalPodAutoscaler "web-hpa" looks after its replicas, and may change them back`,
  ]);
});
