import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { makePki } from "../../deploy/localkube/pki.ts";
import {
  changes,
  configMap,
  openPlace,
  type Place,
  read,
  runEvent,
  write,
} from "./k8s_resource.ts";

const GROUP = "/apis/admissionregistration.k8s.io/v1";

/** What a webhook says of an object. */
interface Answer {
  readonly allowed: boolean;
  readonly status?: { readonly message: string };
  readonly warnings?: readonly string[];
  readonly patchType?: "JSONPatch";
  readonly patch?: string;
}

/** A webhook about the ConfigMaps of the place's namespace; it answers once it was begun. */
async function webhook(
  { kube, namespace }: Place,
  kind: "validating" | "mutating",
  judge: (object: Readonly<Record<string, unknown>>) => Answer,
) {
  const { ca, server: pair } = await makePki();
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  const path = `${GROUP}/${kind}webhookconfigurations`;
  await write(kube, path, {
    method: "POST",
    type: "application/json",
    body: {
      metadata: { name: namespace },
      webhooks: [{
        name: "maps.example.com",
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: btoa(ca.certPem),
        },
        rules: [{
          apiGroups: [""],
          apiVersions: ["v1"],
          operations: ["CREATE", "UPDATE"],
          resources: ["configmaps"],
        }],
        namespaceSelector: {
          matchLabels: { "kubernetes.io/metadata.name": namespace },
        },
        failurePolicy: "Fail",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      }],
    },
  });
  let server: Deno.HttpServer | undefined;
  return {
    begin() {
      server = Deno.serve({
        hostname: "127.0.0.1",
        port,
        cert: pair.certPem,
        key: pair.keyPem,
        onListen() {},
      }, async (asked) => {
        const { apiVersion, kind, request } = await asked.json();
        const response = { uid: request.uid, ...judge(request.object) };
        return Response.json({ apiVersion, kind, response });
      });
    },
    async [Symbol.asyncDispose]() {
      await write(kube, `${path}/${namespace}`, { method: "DELETE" });
      await server?.shutdown();
    },
  };
}

/** Applies until the API server asks the webhook, of which it hears after a moment; the last run. */
async function applyUntil(
  { executor, namespace }: Place,
  wanted: (text: string) => boolean,
  payload: Readonly<Record<string, unknown>> = {},
) {
  for (let i = 0;; i++) {
    const run = await runEvent(executor, [configMap(namespace, `probe-${i}`)], {
      payload,
    });
    const { message } = run.last;
    if (wanted([message, ...run.warnings].join("\n"))) return run;
    ok(i < 500, message);
  }
}

Deno.test("webhooks that answer: what one denies is denied in its words, and what it warns of is passed on", async () => {
  await using place = await openPlace();
  const { executor, namespace } = place;
  await using hook = await webhook(place, "validating", (object) => {
    const { name } = object["metadata"] as { readonly name: string };
    return name === "bad"
      ? { allowed: false, status: { message: "no owner" } }
      : { allowed: true, warnings: [`${name} has no team`] };
  });
  hook.begin();
  await applyUntil(place, (text) => text.includes("has no team"));
  const run = await runEvent(executor, [configMap(namespace, "good")]);
  deepStrictEqual(run.warnings, [
    `ConfigMap "good" in namespace "${namespace}": good has no team`,
  ]);
  for (const payload of [{}, { dry_run: true }, { operation: "diff" }]) {
    const denied = await runEvent(executor, [configMap(namespace, "bad")], {
      payload,
    });
    strictEqual(denied.last.error?.code, "denied", denied.last.message);
    match(
      denied.last.message,
      /^Cannot apply ConfigMap "bad" .*: admission webhook "maps\.example\.com" denied the request: no owner$/,
    );
  }
});

Deno.test("webhooks that answer: what one adds is in a diff, and no change when applied again", async () => {
  await using place = await openPlace();
  const { executor, kube, namespace } = place;
  const patch = JSON.stringify([
    { op: "add", path: "/data/added", value: "by the webhook" },
  ]);
  await using hook = await webhook(place, "mutating", () => ({
    allowed: true,
    warnings: ["seen"],
    patchType: "JSONPatch",
    patch: btoa(patch),
  }));
  hook.begin();
  await applyUntil(place, (text) => text.includes("seen"));
  const manifests = [configMap(namespace, "a")];
  const diff = await runEvent(executor, manifests, {
    payload: { operation: "diff" },
  });
  match(JSON.stringify(diff.objects), /"added":"by the webhook"/);
  deepStrictEqual(changes(await runEvent(executor, manifests)), [
    "ConfigMap/a: created",
  ]);
  const { data } = await read<{ data: Readonly<Record<string, string>> }>(
    kube,
    `/api/v1/namespaces/${namespace}/configmaps/a`,
  );
  strictEqual(data["added"], "by the webhook");
  deepStrictEqual(changes(await runEvent(executor, manifests)), [
    "ConfigMap/a: unchanged",
  ]);
});

Deno.test("webhooks that answer late: an event waits for one whose server is not up yet", async () => {
  await using place = await openPlace({ phase_timeout_ms: 60_000 });
  const { executor, namespace } = place;
  await using hook = await webhook(
    place,
    "validating",
    () => ({ allowed: true, warnings: ["it is up"] }),
  );
  await applyUntil(
    place,
    (text) => text.includes("failed calling webhook"),
    { timeout: "1s" },
  );
  const run = await runEvent(executor, [configMap(namespace, "a")], {
    onStatus({ message }) {
      if (message.includes("failed calling webhook")) hook.begin();
    },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"]);
  match(run.warnings.join(), /it is up/);
});
