import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ErrorCode } from "@transporter/sdk";
import { type Fault, status } from "../fault_proxy.ts";
import { TcpProxy } from "../tcp_proxy.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { executorBehindProxy } from "./behind_proxy.ts";
import {
  changes,
  configMap,
  openPlace,
  openPlugin,
  proxied,
  read,
  runEvent,
  until,
} from "./k8s_resource.ts";

Deno.test("a small event is a look and an apply, once the kinds are known", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  await runEvent(executor, [configMap(namespace, "first")]);
  deepStrictEqual(
    proxy.seen.map(({ method, path }) =>
      `${method} ${path.replace(/\?.*/, "")}`
    ),
    [
      "GET /api",
      "GET /apis",
      `GET /api/v1/namespaces/${namespace}/configmaps/first`,
      `PATCH /api/v1/namespaces/${namespace}/configmaps/first`,
    ],
  );
  proxy.seen.length = 0;
  await runEvent(executor, [configMap(namespace, "second")]);
  deepStrictEqual(proxy.seen.map(({ method, path }) => `${method} ${path}`), [
    `GET /api/v1/namespaces/${namespace}/configmaps/second`,
    `PATCH /api/v1/namespaces/${namespace}/configmaps/second?fieldManager=transporter&fieldValidation=Strict&force=false`,
  ]);
});

/** Answers that end the event at once: answer, code, message. */
const PERMANENT: Readonly<Record<string, readonly [Fault, ErrorCode, RegExp]>> =
  {
    "400": [
      status(400, "error decoding YAML"),
      "invalid",
      /error decoding YAML$/,
    ],
    "403": [
      status(403, 'configmaps is forbidden: User "x" cannot patch', {
        reason: "Forbidden",
      }),
      "denied",
      /cannot patch$/,
    ],
    "403 of a webhook": [
      status(403, 'admission webhook "w" denied the request: no'),
      "denied",
      /denied the request: no$/,
    ],
    "400 of a webhook": [
      status(400, 'admission webhook "w" denied the request: no'),
      "denied",
      /denied/,
    ],
    "422 of an admission policy": [
      status(
        422,
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        { reason: "Invalid" },
      ),
      "denied",
      /denied request: no$/,
    ],
    "405": [
      status(405, "the server does not allow this method"),
      "unsupported",
      /method$/,
    ],
    "409 of a field manager": [
      status(409, "Apply failed with 3 conflicts", {
        reason: "Conflict",
        details: {
          causes: [
            {
              reason: "FieldManagerConflict",
              message: 'conflict with "kubectl-edit" using v1',
              field: ".data.a",
            },
            {
              reason: "FieldManagerConflict",
              message: 'conflict with "kubectl-edit" using v1',
              field: ".data.b",
            },
            {
              reason: "FieldManagerConflict",
              message: 'conflict with "helm"',
              field: ".metadata.labels",
            },
          ],
        },
      }),
      "conflict",
      /"kubectl-edit" owns \.data\.a, \.data\.b; "helm" owns \.metadata\.labels; take these fields out of the manifest, let their manager give them up, or set "force_conflicts" to take them over$/,
    ],
    "413": [status(413, "Request entity too large"), "too_large", /too large$/],
    "415": [
      status(415, "the body of the request was in an unknown format"),
      "unsupported",
      /unknown format$/,
    ],
    "422": [
      status(422, 'ConfigMap "a" is invalid: data: too long', {
        reason: "Invalid",
      }),
      "invalid",
      /too long$/,
    ],
    "422 of an immutable field": [
      status(
        422,
        'ConfigMap "a" is invalid: data: field is immutable when `immutable` is set',
        { reason: "Invalid" },
      ),
      "immutable",
      /immutable/,
    ],
    "500 of a field that is not in the schema": [
      status(
        500,
        "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dota: field not declared in schema",
      ),
      "invalid",
      /\.dota: field not declared in schema$/,
    ],
    "500 of an object that the way to the store is too narrow for": [
      status(
        500,
        "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2292299 vs. 2097152)",
        { reason: "InternalError" },
      ),
      "too_large",
      /larger than the cluster can store: rpc error: /,
    ],
    "404 of a kind that went away": [
      { status: 404, body: "404 page not found\n" },
      "unknown_kind",
      /does not serve this kind any more/,
    ],
    "422 of an admission policy that has a word for fields that cannot change":
      [
        status(
          422,
          "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: the owner is immutable",
          { reason: "Invalid" },
        ),
        "denied",
        /the owner is immutable$/,
      ],
    "422 in several lines": [
      status(422, "spec: Forbidden: no\n@@ -6 @@\n- a\n+ b\n\n  c", {
        reason: "Invalid",
      }),
      "invalid",
      /spec: Forbidden: no @@ -6 @@ - a \+ b c$/,
    ],
  };

Deno.test("answers that cannot change end the event at once, with their code", async (t) => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  for (const [name, [fault, code, message]] of Object.entries(PERMANENT)) {
    await t.step(name, async () => {
      proxy.seen.length = 0;
      proxy.inject({ method: "PATCH", fault });
      const run = await runEvent(executor, [configMap(namespace, "a")]);
      strictEqual(run.last.error?.code, code, run.last.message);
      match(run.last.message, /^Cannot apply ConfigMap "a" in namespace/);
      match(run.last.message, message);
      deepStrictEqual(changes(run), ["ConfigMap/a: failed"]);
      strictEqual(
        proxy.seen.filter(({ method }) => method === "PATCH").length,
        1,
      );
    });
  }
});

/** Manifests that the real server refuses: manifest, code, message. */
const WRONG: Readonly<Record<string, readonly [string, ErrorCode, RegExp]>> = {
  "a quantity that is none": [
    "apiVersion: v1\nkind: LimitRange\nmetadata: {name: a}\nspec: {limits: [{type: Pod, max: {cpu: abc}}]}\n",
    "invalid",
    /quantities must match/,
  ],
  "base64 that is none": [
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: '?'}\n",
    "invalid",
    /illegal base64 data/,
  ],
  "a number in a Secret, which is not repeated": [
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: 12345678}\n",
    "invalid",
    /\.stringData\.a: expected string, got something else$/,
  ],
  "numbers and booleans where texts belong": [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 17, b: yes}\n",
    "invalid",
    /\.data\.[ab]: expected string, got (17|true) \.data\.[ab]: expected string, got (17|true)$/,
  ],
  "a text where a mapping belongs": [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: hello\n",
    "invalid",
    /\.data: expected map, got hello$/,
  ],
  "the uid of another life": [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, uid: some-uid}\n",
    "conflict",
    /uid mismatch/,
  ],
  "managed fields": [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, managedFields: [{manager: x}]}\n",
    "invalid",
    /managedFields must be nil$/,
  ],
  "a kind that is a question": [
    "apiVersion: authorization.k8s.io/v1\nkind: SelfSubjectAccessReview\nmetadata: {name: a}\nspec: {}\n",
    "unsupported",
    /nothing of the kind "SelfSubjectAccessReview" can be applied or patched$/,
  ],
};

Deno.test("what is wrong in a manifest ends the event at once, in the server's words", async (t) => {
  await using cluster = await openPlace();
  for (const [name, [manifest, code, message]] of Object.entries(WRONG)) {
    await t.step(name, async () => {
      const run = await runEvent(cluster.executor, [manifest]);
      match(run.last.message, message);
      strictEqual(run.last.error?.code, code);
      strictEqual(
        run.statuses.some((each) => each.message.startsWith("Trying again")),
        false,
      );
    });
  }
});

/** Answers that are tried again: twice so, then the server's own. */
const TRANSIENT: Readonly<Record<string, readonly [Fault, RegExp]>> = {
  "409 of a quota": [
    status(409, "Operation cannot be fulfilled on resourcequotas", {
      reason: "Conflict",
    }),
    /resourcequotas/,
  ],
  "403 of a namespace that ends": [
    status(
      403,
      "unable to create new content in namespace x because it is being terminated",
      {
        reason: "Forbidden",
        details: {
          causes: [{
            reason: "NamespaceTerminating",
            message: "namespace x is being terminated",
          }],
        },
      },
    ),
    /being terminated/,
  ],
  "403 of a ServiceAccount that is not there yet": [
    status(
      403,
      'pods "a" is forbidden: error looking up service account x/default: serviceaccount "default" not found',
    ),
    /serviceaccount "default" not found/,
  ],
  "429": [
    {
      ...status(429, "Too many requests, please try again later.") as {
        status: number;
        body: unknown;
      },
      headers: {
        "retry-after": "0",
        "x-kubernetes-pf-flowschema-uid": "schema-1",
        "x-kubernetes-pf-prioritylevel-uid": "level-1",
      },
    },
    /too much to do \(flow schema schema-1, priority level level-1\)/,
  ],
  "500 of a webhook": [
    status(
      500,
      'Internal error occurred: failed calling webhook "w": connection refused',
      { reason: "InternalError" },
    ),
    /failed calling webhook/,
  ],
  "503": [
    { status: 503, body: "upstream connect error" },
    /answered 503: upstream connect error/,
  ],
  "a cut connection": ["cut", /does not answer/],
  "a cut connection after the work": ["cut_after", /does not answer/],
};

Deno.test("answers that may change are tried again, and reported once", async (t) => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor, kube } = cluster;
  for (const [name, [fault, message]] of Object.entries(TRANSIENT)) {
    await t.step(name, async () => {
      proxy.inject({ method: "PATCH", times: 2, fault });
      const object = "o-" + name.replace(/\W+/g, "-").toLowerCase();
      const run = await runEvent(executor, [configMap(namespace, object)]);
      deepStrictEqual(
        changes(run),
        [`ConfigMap/${object}: created`],
        run.last.message,
      );
      const reports = run.statuses.filter((each) =>
        each.message.startsWith("Trying again")
      );
      ok(reports.length >= 1, name);
      match(reports[0]?.message ?? "", /^Trying again to apply ConfigMap /);
      match(reports[0]?.message ?? "", message);
      await read(kube, `/api/v1/namespaces/${namespace}/configmaps/${object}`);
    });
  }
});

Deno.test("what stays broken ends as cluster_unavailable when time is up", async (t) => {
  await using cluster = await executorBehindProxy({ phase_timeout_ms: 1_000 });
  const { namespace, proxy, executor } = cluster;
  await runEvent(executor, [configMap(namespace, "first")]);
  const cases: Readonly<Record<string, Fault>> = {
    "503": { status: 503 },
    "cuts": "cut",
  };
  for (const [name, fault] of Object.entries(cases)) {
    await t.step(name, async () => {
      proxy.heal();
      proxy.inject({ times: 1_000, fault });
      const run = await runEvent(executor, [configMap(namespace, "a")]);
      strictEqual(
        run.last.error?.code,
        "cluster_unavailable",
        run.last.message,
      );
      deepStrictEqual(changes(run), ["ConfigMap/a: failed"]);
    });
  }
});

Deno.test("k8s.hang: a server that stays silent is given up, and asked again over a new connection", async () => {
  await using cluster = await executorBehindProxy({ request_timeout_ms: 300 });
  const { namespace, proxy, executor } = cluster;
  proxy.inject({ method: "PATCH", times: 2, fault: "hang" });
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"], run.last.message);
  match(
    run.statuses.map(({ message }) => message).join("\n"),
    /does not answer: no answer came in 300 ms/i,
  );
});

Deno.test("k8s.hang: a connection that fell silent is left for a new one", async () => {
  await using kube = await testCluster();
  await using fresh = await freshNamespace(kube);
  await using proxy = await TcpProxy.open({
    hostname: kube.server.hostname,
    port: Number(kube.server.port),
  });
  await using config = await proxied(
    {
      server: new URL(`https://127.0.0.1:${proxy.port}`),
      caPem: kube.address.caPem,
    },
    kube,
    { request_timeout_ms: 300, phase_timeout_ms: 10_000 },
  );
  await using executor = await openPlugin(config.config);
  await runEvent(executor, [configMap(fresh.name, "a")]);
  proxy.freeze();
  const run = await runEvent(executor, [configMap(fresh.name, "b")]);
  deepStrictEqual(changes(run), ["ConfigMap/b: created"], run.last.message);
  match(
    run.statuses.map(({ message }) => message).join("\n"),
    /no answer came in 300 ms/,
  );
});

Deno.test("k8s.hang: an event can be cancelled while the server stays silent", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  proxy.inject({ method: "PATCH", fault: "hang" });
  const stop = new AbortController();
  const running = runEvent(executor, [configMap(namespace, "a")], {
    signal: stop.signal,
  });
  await until(() => proxy.seen.some(({ method }) => method === "PATCH"));
  stop.abort();
  const run = await running;
  strictEqual(run.last.state, "cancelled");
  deepStrictEqual(changes(run), ["ConfigMap/a: unknown"]);
});

Deno.test("an endless answer is cut off", async () => {
  await using cluster = await executorBehindProxy({ phase_timeout_ms: 500 });
  const { namespace, proxy, executor } = cluster;
  await runEvent(executor, [configMap(namespace, "first")]);
  proxy.inject({
    method: "PATCH",
    times: 100,
    fault: { status: 200, body: "x".repeat(17 * 1024 * 1024) },
  });
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  strictEqual(run.last.error?.code, "cluster_unavailable");
  match(run.last.message, /more than 16777216 bytes/);
});

Deno.test("an answer that is no JSON ends the event", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  proxy.inject({
    method: "PATCH",
    fault: { status: 200, body: "<html>Please log in</html>" },
  });
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  strictEqual(run.last.error?.code, "failed");
  match(run.last.message, /the answer is no JSON$/);
});

Deno.test("a namespace that is nowhere ends the event as not_found after a moment", async () => {
  await using cluster = await executorBehindProxy({ phase_timeout_ms: 700 });
  const run = await runEvent(cluster.executor, [
    configMap("nowhere-at-all", "a"),
  ]);
  strictEqual(run.last.error?.code, "not_found");
  match(run.last.message, /namespaces "nowhere-at-all" not found$/);
});

Deno.test("who may not read is told as much as the answers show", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  proxy.inject({
    method: "GET",
    path: /configmaps/,
    times: 100,
    fault: status(403, "cannot get", { reason: "Forbidden" }),
  });
  const first = await runEvent(executor, [configMap(namespace, "a")]);
  deepStrictEqual(changes(first), ["ConfigMap/a: created"]);
  const again = await runEvent(executor, [configMap(namespace, "a", "a: c")]);
  deepStrictEqual(changes(again), ["ConfigMap/a: configured"]);
});
