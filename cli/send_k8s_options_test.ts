import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { accepted } from "./testing/fixtures.ts";
import { run } from "./testing/host.ts";
import { ScriptedServer } from "./testing/server.ts";

const NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";

/** Sends the namespace with these flags. */
async function send(flags: readonly string[]) {
  await using server = new ScriptedServer().on(
    "POST /v2/events",
    () =>
      Response.json(accepted({}), {
        status: 202,
      }),
  );
  const { code, stderr } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7", ...flags],
    { url: server.url, files: { "ns.yaml": NAMESPACE } },
  );
  const body = server.requests[0]?.body as
    | { readonly payload: unknown }
    | undefined;
  return { code, stderr, payload: body?.payload };
}

Deno.test("send k8s puts options into the payload: JSON where it is JSON, else text", async () => {
  const { code, payload } = await send([
    "--dry-run",
    "--set",
    "force_conflicts=true",
    "--set",
    "field_manager=ci=1",
    "--set",
    'note={"a":[1]}',
  ]);
  strictEqual(code, 0);
  deepStrictEqual(payload, {
    dry_run: true,
    force_conflicts: true,
    field_manager: "ci=1",
    note: { a: [1] },
    manifests: [NAMESPACE],
  });
});

Deno.test("send k8s --annotate says so in the payload", async () => {
  const { payload } = await send(["--annotate"]);
  deepStrictEqual(payload, { annotate: true, manifests: [NAMESPACE] });
});

Deno.test("send k8s --delete --propagation says so in the payload", async () => {
  const { payload } = await send(["--delete", "--propagation", "orphan"]);
  deepStrictEqual(payload, {
    operation: "delete",
    propagation: "orphan",
    manifests: [NAMESPACE],
  });
});

Deno.test("send k8s --apply-set names the set in the payload, also to compare", async () => {
  const { payload } = await send(["--apply-set", "shop/web"]);
  deepStrictEqual(payload, { apply_set: "shop/web", manifests: [NAMESPACE] });
  const twice = await send(["--apply-set", "a", "--set", "apply_set=b"]);
  strictEqual(twice.code, 2);
});

Deno.test("send k8s refuses options that are given twice or have no name", async () => {
  for (
    const [flags, message] of [
      [["--set", "a=1", "--set", "a=2"], /Cannot use --set "a" twice/],
      [["--dry-run", "--set", "dry_run=false"], /another flag gives it/],
      [["--set", "manifests=[]"], /another flag gives it/],
      [["--set", "a"], /like "field_manager=ci"/],
      [["--set", "=a"], /like "field_manager=ci"/],
    ] as const
  ) {
    const { code, stderr, payload } = await send(flags);
    deepStrictEqual([code, payload], [2, undefined]);
    match(stderr, message);
  }
});

Deno.test("send k8s --check with every says that it goes on; its exit code has no end to tell of", async () => {
  const every = ["--check", "--set", "every=1h"];
  const sent = await send([...every, "--timeout", "1s"]);
  match(
    sent.stderr,
    /The check goes on until the ttl of its event is over, and looks every 1h\. Ctrl-C stops watching it; "transporter cancel ID" ends it/,
  );
  const { code, stderr, payload } = await send([...every, "--exit-code"]);
  deepStrictEqual([code, payload], [2, undefined]);
  match(stderr, /Cannot use --exit-code with every/);
});

Deno.test("send k8s --patch puts the patch into the payload", async () => {
  const { payload } = await send(["--patch", '{"spec": {"replicas": 3}}']);
  deepStrictEqual(payload, {
    operation: "patch",
    patch: { spec: { replicas: 3 } },
    manifests: [NAMESPACE],
  });
  const { code, stderr } = await send(["--patch", "replicas: 3"]);
  strictEqual(code, 2);
  match(stderr, /Cannot use --patch "replicas: 3": it must be JSON, like/);
});
