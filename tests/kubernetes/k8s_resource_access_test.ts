import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { systemClock, TransporterError } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { addNoProxy } from "@transporter/plugins";
import { inClusterAccess } from "../../plugins/k8s_resource/in_cluster.ts";
import { readKubeconfig } from "../../plugins/k8s_resource/kubeconfig.ts";
import { Transport } from "../../plugins/k8s_resource/transport.ts";
import { makePki } from "../../deploy/localkube/pki.ts";
import { FaultProxy, status } from "../fault_proxy.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { changes, configMap, openPlugin, runEvent } from "./k8s_resource.ts";

/** An API server, a namespace and a folder, all gone at the end. */
async function open() {
  const stack = new AsyncDisposableStack();
  const kube = stack.use(await testCluster());
  const { name: namespace } = stack.use(await freshNamespace(kube));
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  return {
    kube,
    namespace,
    dir,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function applies(
  config: Readonly<Record<string, unknown>>,
  namespace: string,
): Promise<void> {
  await using executor = await openPlugin(config);
  const name = `a${crypto.randomUUID()}`;
  const run = await runEvent(executor, [configMap(namespace, name)]);
  deepStrictEqual(
    changes(run),
    [`ConfigMap/${name}: created`],
    run.last.message,
  );
}

Deno.test("in a cluster the ServiceAccount's folder is all that is needed", async () => {
  await using cluster = await open();
  const { kube, namespace } = cluster;
  const dir = await kube.serviceAccountDir(namespace);
  const { hostname, port } = kube.server;
  await applies({
    in_cluster: true,
    service_account_dir: dir,
    service_host: hostname,
    service_port: Number(port),
  }, namespace);
});

Deno.test("a token that is replaced is used as soon as the old one is refused", async () => {
  await using cluster = await open();
  const { kube, namespace, dir } = cluster;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await Deno.writeTextFile(join(dir, "ca.crt"), proxy.caPem);
  const account = await kube.serviceAccountDir(namespace);
  const tokenOf = () => Deno.readTextFile(join(account, "token"));
  const first = await tokenOf();
  await Deno.writeTextFile(join(dir, "token"), `${first}\n`);
  await using executor = await openPlugin({
    service_account_dir: dir,
    service_host: proxy.server.hostname,
    service_port: Number(proxy.server.port),
  });
  strictEqual(
    (await runEvent(executor, [configMap(namespace, "a")])).last.state,
    "completed",
  );

  await kube.serviceAccountDir(namespace); // as a kubelet: a new token in the same place
  const second = await tokenOf();
  await Deno.writeTextFile(join(dir, "token"), second);
  proxy.seen.length = 0;
  proxy.inject({ method: "PATCH", fault: status(401, "Unauthorized") });
  strictEqual(
    (await runEvent(executor, [configMap(namespace, "b")])).last.state,
    "completed",
  );
  deepStrictEqual(
    proxy.seen.filter(({ method }) => method === "PATCH").map(({ token }) =>
      token
    ),
    [first, second],
  );
});

Deno.test("a token that stays refused ends the event as unauthenticated", async () => {
  await using cluster = await open();
  const { kube, namespace, dir } = cluster;
  await Deno.writeTextFile(join(dir, "ca.crt"), kube.address.caPem);
  await Deno.writeTextFile(join(dir, "token"), "nonsense");
  await using executor = await openPlugin({
    service_account_dir: dir,
    service_host: kube.server.hostname,
    service_port: Number(kube.server.port),
  });
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  strictEqual(run.last.error?.code, "unauthenticated");
});

Deno.test("an account without rights is denied, in the server's words", async () => {
  await using cluster = await open();
  const { kube, namespace } = cluster;
  const dir = await kube.serviceAccountDir(namespace, {
    name: "reader",
    clusterRole: "view",
  });
  await using executor = await openPlugin({
    service_account_dir: dir,
    service_host: kube.server.hostname,
    service_port: Number(kube.server.port),
  });
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  strictEqual(run.last.error?.code, "denied");
  match(run.last.message, /cannot patch resource "configmaps"/);
});

Deno.test("a kubeconfig gives access by token and by client certificate, by the name of its context", async () => {
  await using cluster = await open();
  const { kube, namespace } = cluster;
  for (const context of ["localkube", "localkube-certificate"]) {
    await applies({ kubeconfig: kube.kubeconfig, context }, namespace);
  }
});

Deno.test("a client certificate that is replaced is used as soon as the old one is refused", async () => {
  await using cluster = await open();
  const { kube, namespace, dir } = cluster;
  const { adminCertPem, adminKeyPem, caPem, server } = kube.address;
  const kubeconfig = join(dir, "config");
  await Deno.writeTextFile(
    kubeconfig,
    JSON.stringify({
      "current-context": "here",
      contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
      clusters: [{
        name: "c",
        cluster: { server, "certificate-authority-data": btoa(caPem) },
      }],
      users: [{
        name: "u",
        user: { "client-certificate": "tls.crt", "client-key": "tls.key" },
      }],
    }),
  );
  const replace = async (certPem: string, keyPem: string) => {
    await Deno.writeTextFile(join(dir, "tls.crt"), certPem);
    await Deno.writeTextFile(join(dir, "tls.key"), keyPem);
  };
  // Of an authority that the cluster does not know.
  const { admin: stranger } = await makePki();
  await replace(stranger.certPem, stranger.keyPem);
  await using executor = await openPlugin({ kubeconfig, namespace });
  const run = () => runEvent(executor, [configMap(namespace, "a")]);
  strictEqual((await run()).last.error?.code, "unauthenticated");
  await replace(adminCertPem, adminKeyPem);
  strictEqual((await run()).last.state, "completed");
});

Deno.test("a kubeconfig gives access by a credential plugin, and several files are one", async () => {
  await using cluster = await open();
  const { kube, namespace, dir } = cluster;
  const credential = {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: {
      clientCertificateData: kube.address.adminCertPem,
      clientKeyData: kube.address.adminKeyPem,
    },
  };
  await Deno.writeTextFile(
    join(dir, "credential.json"),
    JSON.stringify(credential),
  );
  await Deno.writeTextFile(
    join(dir, "login"),
    `#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" >> "${dir}/info"\ncat "${dir}/credential.json"\n`,
    { mode: 0o755 },
  );
  await Deno.writeTextFile(join(dir, "ca.crt"), kube.address.caPem);
  await Deno.writeTextFile(
    join(dir, "clusters"),
    `clusters:
- name: here
  cluster: {server: "${kube.address.server}", certificate-authority: ca.crt}
`,
  );
  await Deno.writeTextFile(
    join(dir, "users"),
    `current-context: here
contexts:
- name: here
  context: {cluster: here, user: someone}
clusters:
- name: here
  cluster: {server: "https://not.here.example"}
users:
- name: someone
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, interactiveMode: Never}
`,
  );
  const kubeconfig = [
    join(dir, "none"),
    join(dir, "clusters"),
    join(dir, "users"),
  ].join(":");
  await applies({ kubeconfig }, namespace);
  const infos = (await Deno.readTextFile(join(dir, "info"))).trim().split("\n");
  deepStrictEqual(infos.map((info) => JSON.parse(info)), [{
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false },
  }]);
});

Deno.test("a proxy of the environment is not used for an address in NO_PROXY", async () => {
  await using cluster = await open();
  const { kube, namespace } = cluster;
  const dir = await kube.serviceAccountDir(namespace);
  const config = {
    service_account_dir: dir,
    service_host: kube.server.hostname,
    service_port: Number(kube.server.port),
    phase_timeout_ms: 500,
  };
  const program = `
    import { openPlugin, runEvent } from ${
    JSON.stringify(import.meta.resolve("./k8s_resource.ts"))
  };
    await using executor = await openPlugin(${JSON.stringify(config)});
    const { last } = await runEvent(executor, [${
    JSON.stringify(configMap(namespace, "a"))
  }]);
    console.log(last.state);
  `;
  // Nobody listens there.
  const proxy = {
    HTTPS_PROXY: "http://127.0.0.1:9",
    https_proxy: "http://127.0.0.1:9",
  };
  for (
    const [noProxy, expected] of [["", "failed"], [
      addNoProxy("a.example", kube.server.hostname),
      "completed",
    ]]
  ) {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", program],
      cwd: new URL("../..", import.meta.url),
      env: { ...proxy, NO_PROXY: noProxy ?? "", no_proxy: "" },
    }).output();
    strictEqual(
      new TextDecoder().decode(stdout).trim(),
      expected,
      new TextDecoder().decode(stderr),
    );
  }
});

Deno.test("a certificate authority that is replaced is trusted after a moment, and the old one no longer", async () => {
  await using cluster = await open();
  const { kube, namespace, dir } = cluster;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  const clock = new TestClock();
  await Deno.copyFile(
    join(await kube.serviceAccountDir(namespace), "token"),
    join(dir, "token"),
  );
  using transport = new Transport({
    access: inClusterAccess({
      dir: await withCa(proxy.caPem),
      host: "127.0.0.1",
      port: Number(kube.server.port),
      clock,
    }),
    clock,
    requestTimeoutMs: 30_000,
  });
  const { signal } = new AbortController();
  const request = { method: "GET", path: "/version" } as const;
  await rejects(transport.send(request, signal), /certificate/);
  await withCa(kube.address.caPem);
  await clock.advance(10_000);
  strictEqual((await transport.send(request, signal)).status, 200);
  await withCa(proxy.caPem);
  await clock.advance(10_000);
  await rejects(transport.send(request, signal), /certificate/);

  async function withCa(pem: string): Promise<string> {
    await Deno.writeTextFile(join(dir, "ca.crt"), pem);
    return dir;
  }
});

Deno.test("the proxy that a kubeconfig names is gone through", async () => {
  await using cluster = await open();
  const { kube, namespace, dir } = cluster;
  const seen: string[] = [];
  const proxy = createServer();
  const sockets = new Set<Duplex>();
  proxy.on("connect", (request: IncomingMessage, near: Duplex) => {
    seen.push(request.url ?? "");
    const far = connect(Number(kube.server.port), "127.0.0.1", () => {
      near.write("HTTP/1.1 200 OK\r\n\r\n");
      near.pipe(far).pipe(near);
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}); // whoever is at the other end ended it
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  try {
    const config = JSON.parse(await Deno.readTextFile(kube.kubeconfig));
    config.clusters[0].cluster["proxy-url"] = `http://127.0.0.1:${port}`;
    await Deno.writeTextFile(join(dir, "config"), JSON.stringify(config));
    await applies({ kubeconfig: join(dir, "config") }, namespace);
    deepStrictEqual([...new Set(seen)], [kube.server.host]);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  }
});

Deno.test("tls-server-name: the certificate has to have that name, wherever the server is", async () => {
  await using cluster = await open();
  const { kube, namespace, dir } = cluster;
  const config = JSON.parse(await Deno.readTextFile(kube.kubeconfig));
  const kubeconfig = join(dir, "config");
  const named = async (name: string) => {
    config.clusters[0].cluster["tls-server-name"] = name;
    await Deno.writeTextFile(kubeconfig, JSON.stringify(config));
    return kubeconfig;
  };
  strictEqual(kube.server.hostname, "127.0.0.1");
  await applies({ kubeconfig: await named("localhost") }, namespace);

  const { access } = await readKubeconfig({
    paths: await named("other.example.com"),
    clock: systemClock,
  });
  using transport = new Transport({
    access,
    clock: systemClock,
    requestTimeoutMs: 10_000,
  });
  await rejects(
    transport.send(
      { method: "GET", path: "/version" },
      new AbortController().signal,
    ),
    /certificate.*other\.example\.com/,
  );
});

Deno.test("without a cluster the plugin says what it needs", async () => {
  for (
    const [config, message] of [
      [{}, /run the agent in a Pod, or name a kubeconfig$/],
      [
        { kubeconfig: "/nowhere/config" },
        /Cannot find the kubeconfig "\/nowhere\/config"$/,
      ],
      [
        { service_host: "10.0.0.1", service_account_dir: "/nowhere" },
        /Cannot read "\/nowhere\/(token|ca.crt)"/,
      ],
    ] as const
  ) {
    const error = await openPlugin(config).then(
      () => undefined,
      (reason) => reason,
    );
    if (!(error instanceof TransporterError)) throw error;
    strictEqual(error.code, "no_cluster");
    match(error.message, message);
  }
});
