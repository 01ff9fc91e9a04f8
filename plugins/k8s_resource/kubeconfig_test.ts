import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { TransporterError } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { readKubeconfig } from "./kubeconfig.ts";

/** A folder with files, gone at the end. */
async function folder(files: Readonly<Record<string, string>>) {
  const dir = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(dir, name), text);
  }
  return {
    dir,
    path: (name: string) => join(dir, name),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

function config(cluster: string, user: string, context = ""): string {
  return `---
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u${context}}}
- {name: other, context: {cluster: c}}
clusters:
- {name: c, cluster: {${cluster}}}
users:
- {name: u, user: {${user}}}
`;
}

const SERVER = 'server: "https://h:6443/prefix/"';

Deno.test("readKubeconfig() takes what stands in the file, and what the files it names hold", async () => {
  await using files = await folder({
    inline: config(
      `${SERVER}, certificate-authority-data: ${
        btoa("ca")
      }, proxy-url: "http://p:1"`,
      "token: t",
      ", namespace: ns",
    ),
    named: config(
      `${SERVER}, certificate-authority: ca.pem`,
      "tokenFile: t, token: unused, client-certificate: c.pem, client-key: k.pem",
    ),
    "ca.pem": "ca",
    "c.pem": "cert",
    "k.pem": "key",
    t: "from a file\n",
  });
  const clock = new TestClock();
  const inline = await readKubeconfig({ paths: files.path("inline"), clock });
  strictEqual(inline.namespace, "ns");
  deepStrictEqual(await inline.access.current(), {
    server: "https://h:6443/prefix",
    token: "t",
    connection: {
      ca: "ca",
      cert: undefined,
      key: undefined,
      proxy: "http://p:1",
    },
  });
  const named = await readKubeconfig({ paths: files.path("named"), clock });
  deepStrictEqual(await named.access.current(), {
    server: "https://h:6443/prefix",
    token: "from a file",
    connection: { ca: "ca", cert: "cert", key: "key", proxy: undefined },
  });
  await Deno.writeTextFile(files.path("t"), "another");
  await clock.advance(10_000);
  strictEqual((await named.access.current()).token, "another");
});

Deno.test("readKubeconfig() takes the context that is named, and nobody for a context without a user", async () => {
  await using files = await folder({ a: config(SERVER, "token: t") });
  const { access } = await readKubeconfig({
    paths: files.path("a"),
    context: "other",
    clock: new TestClock(),
  });
  strictEqual((await access.current()).token, undefined);
});

Deno.test("readKubeconfig() reads the file again when the server refuses", async () => {
  await using files = await folder({ a: config(SERVER, "token: old") });
  const { access } = await readKubeconfig({
    paths: files.path("a"),
    clock: new TestClock(),
  });
  const old = await access.current();
  await Deno.writeTextFile(files.path("a"), config(SERVER, "token: new"));
  strictEqual((await access.current()).token, "old");
  strictEqual((await access.current(old)).token, "new");
});

Deno.test("readKubeconfig() merges files: the first that says something wins", async () => {
  await using files = await folder({
    first:
      "current-context: two\nclusters:\n- {name: c, cluster: {server: 'https://first'}}\n",
    second: config('server: "https://second"', "token: t"),
    third:
      "current-context: three\ncontexts:\n- {name: two, context: {cluster: c, user: u, namespace: x}}\n",
    empty: "",
  });
  const paths = ["missing", "first", "empty", "second", "third"].map(files.path)
    .join(":");
  const { access, namespace } = await readKubeconfig({
    paths,
    clock: new TestClock(),
  });
  strictEqual(namespace, "x");
  const { server, token } = await access.current();
  deepStrictEqual([server, token], ["https://first", "t"]);
});

const EXTENSIONS =
  "extensions: [{name: other, extension: {a: 1}}, {name: client.authentication.k8s.io/exec, extension: {audience: x}}]";

/** What a credential plugin is told of a cluster's entry. */
const TOLD: Readonly<Record<string, readonly [string, unknown]>> = {
  "all that it says": [
    `${SERVER}, certificate-authority-data: ${
      btoa("ca")
    }, certificate-authority: gone, tls-server-name: x, disable-compression: true, ${EXTENSIONS}`,
    {
      "server": "https://h:6443/prefix/",
      "tls-server-name": "x",
      "certificate-authority-data": btoa("ca"),
      "disable-compression": true,
      "config": { audience: "x" },
    },
  ],
  "the content of a file, and not where it is": [
    `${SERVER}, certificate-authority: ca.pem, proxy-url: "http://p:1", unknown: 1`,
    {
      "server": "https://h:6443/prefix/",
      "certificate-authority-data": btoa("of a file"),
      "proxy-url": "http://p:1",
    },
  ],
};

Deno.test("readKubeconfig() tells a credential plugin of the cluster as client-go does", async (t) => {
  for (const [name, [cluster, told]] of Object.entries(TOLD)) {
    await t.step(name, async () => {
      await using files = await folder({
        config: config(
          cluster,
          "exec: {command: ./plugin, provideClusterInfo: true}",
        ),
        "ca.pem": "of a file",
        plugin: `#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/told"
echo '{"kind": "ExecCredential", "status": {"token": "t"}}'
`,
      });
      await Deno.chmod(files.path("plugin"), 0o755);
      const paths = files.path("config");
      const { access } = await readKubeconfig({
        paths,
        clock: new TestClock(),
      });
      strictEqual((await access.current()).token, "t");
      const info = JSON.parse(await Deno.readTextFile(files.path("told")));
      deepStrictEqual(info.spec.cluster, told);
    });
  }
});

Deno.test("readKubeconfig() takes impersonation that names nobody as none", async () => {
  await using files = await folder({
    config: config(
      SERVER,
      "token: t, as: '', as-groups: [], as-uid: '', as-user-extra: {}",
    ),
  });
  const paths = files.path("config");
  const { access } = await readKubeconfig({ paths, clock: new TestClock() });
  strictEqual((await access.current()).token, "t");
});

/** Kubeconfigs that cannot be used: text, code, message. */
const REFUSED: Readonly<Record<string, readonly [string, string, RegExp]>> = {
  "broken YAML": ["a: [", "no_cluster", /Cannot use the kubeconfig ".*": /],
  "a list": ["- a", "no_cluster", /it is no mapping$/],
  "no current context": [
    "contexts: []",
    "no_cluster",
    /Cannot find a current context .* there is none$/,
  ],
  "a context that is not there": [
    "current-context: x\ncontexts:\n- {name: z}\n",
    "no_cluster",
    /Cannot find the context "x" .*; there is "z"$/,
  ],
  "a name that YAML takes for true": [
    "contexts:\n- {name: y}\n",
    "no_cluster",
    /a "name" in it is no text; put it in quotes$/,
  ],
  "a cluster that is not there": [
    config(SERVER, "").replace("name: c, c", "name: d, c"),
    "no_cluster",
    /Cannot find the cluster "c"/,
  ],
  "a user that is not there": [
    config(SERVER, "").replace("name: u, u", "name: v, u"),
    "no_cluster",
    /Cannot find the user "u"/,
  ],
  "a server that is no URL": [
    config("server: nonsense", ""),
    "no_cluster",
    /its "server" is no URL but "nonsense"$/,
  ],
  "no check of the certificate": [
    config(`${SERVER}, insecure-skip-tls-verify: true`, ""),
    "unsupported",
    /"c" .* "insecure-skip-tls-verify"/,
  ],
  "another server name": [
    config(`${SERVER}, tls-server-name: x, proxy-url: "http://p"`, ""),
    "unsupported",
    /"tls-server-name"/,
  ],
  "an auth provider": [
    config(SERVER, "auth-provider: {name: gcp}"),
    "unsupported",
    /"u" .* "auth-provider"/,
  ],
  "basic authentication": [
    config(SERVER, "username: a, password: b"),
    "unsupported",
    /"username"/,
  ],
  "impersonation": [
    config(SERVER, "as: somebody"),
    "unsupported",
    /"as": the agent acts with its own rights only$/,
  ],
  "impersonation of a group alone": [
    config(SERVER, "as-groups: [admins]"),
    "unsupported",
    /"as-groups": the agent acts with its own rights only$/,
  ],
  "impersonation of a uid alone": [
    config(SERVER, "as-uid: '1'"),
    "unsupported",
    /"as-uid": the agent acts with its own rights only$/,
  ],
  "impersonation of extra fields alone": [
    config(SERVER, "as-user-extra: {scopes: [all]}"),
    "unsupported",
    /"as-user-extra": the agent acts with its own rights only$/,
  ],
  "an interactive plugin": [
    config(SERVER, "exec: {command: x, interactiveMode: Always}"),
    "unsupported",
    /nobody is there to answer$/,
  ],
  "a plugin without a command": [
    config(SERVER, "exec: {}"),
    "no_cluster",
    /it has no "command"$/,
  ],
  "a file that is not there": [
    config(SERVER, "tokenFile: gone"),
    "no_cluster",
    /Cannot read ".*gone", which "u" of the kubeconfig names as "tokenFile"$/,
  ],
  "a token over plain http": [
    config('server: "http://h"', "token: t"),
    "unsupported",
    /a token is not sent over plain http$/,
  ],
};

Deno.test("readKubeconfig() refuses what it cannot do, by name", async (t) => {
  for (const [name, [text, code, message]] of Object.entries(REFUSED)) {
    await t.step(name, async () => {
      await using files = await folder({ config: text });
      const error = await readKubeconfig({
        paths: files.path("config"),
        clock: new TestClock(),
      })
        .then(({ access }) => access.current())
        .then(() => undefined, (reason) => reason);
      if (!(error instanceof TransporterError)) throw error;
      match(error.message, message);
      strictEqual(error.code, code);
    });
  }
});
