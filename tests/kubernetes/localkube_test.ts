import { match, rejects, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import {
  findOrBuild,
  kubernetesVersion,
} from "../../deploy/localkube/build.ts";
import {
  LocalKube,
  startLocalKube,
  userCacheDir,
} from "../../deploy/localkube/mod.ts";
import { freshNamespace } from "./cluster.ts";
import { until } from "../until.ts";

const cacheDir = userCacheDir((name) => Deno.env.get(name));

/** The processes that work in a folder, or did until it was removed. */
async function processesIn(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const folder = await Deno.readLink(`/proc/${name}/cwd`);
      if (folder.replace(/ \(deleted\)$/, "") === dir) found.push(name);
    } catch (error) {
      // It ended while we looked, or is not ours.
      const passes = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.PermissionDenied;
      if (!passes) throw error;
    }
  }
  return found;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Who asks, and whom it trusts. */
interface Asker {
  readonly caCerts?: string[];
  readonly token?: string;
  readonly certificate?: { readonly cert: string; readonly key: string };
}

/** Asks with a client of its own, as an agent does. */
async function status(
  url: URL,
  { caCerts = [], token, certificate }: Asker,
): Promise<{ readonly code: number; readonly body: string }> {
  using client = Deno.createHttpClient({ caCerts, ...certificate });
  const response = await fetch(url, {
    client,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  return { code: response.status, body: await response.text() };
}

/** A folder like KUBEBUILDER_ASSETS, whose programs are shell scripts around the real one. */
async function layAssets(
  scripts: { readonly etcd?: string; readonly apiServer?: string } = {},
): Promise<string> {
  const program = await findOrBuild({ cacheDir });
  const dir = await Deno.makeTempDir();
  const real = (name: string) => `exec "${program}" ${name} "$@"`;
  const texts = {
    "etcd": scripts.etcd ?? real("etcd"),
    "kube-apiserver": `${scripts.apiServer ?? ""}\n${real("kube-apiserver")}`,
  };
  for (const [name, text] of Object.entries(texts)) {
    await Deno.writeTextFile(join(dir, name), `#!/bin/sh\n${text}\n`, {
      mode: 0o700,
    });
  }
  return dir;
}

Deno.test("startLocalKube() gives an API server of its own", async (t) => {
  const kube = await startLocalKube({ cacheDir });
  const { address } = kube;
  const dir = address.logDir;
  try {
    await t.step("answers with the Kubernetes release of go.mod", async () => {
      const response = await kube.fetch("/version");
      const { gitVersion } = await response.json() as { gitVersion: string };
      const goMod = await Deno.readTextFile(
        new URL("../../deploy/localkube/go.mod", import.meta.url),
      );
      strictEqual(gitVersion, `v${kubernetesVersion(goMod)}`);
    });

    await t.step("runs a controller manager", async () => {
      strictEqual(address.controllerManager, true);
      let path: string;
      {
        await using namespace = await freshNamespace(kube);
        path = `/api/v1/namespaces/${namespace.name}`;
        // The namespace has its default ServiceAccount by now; the certificate authority follows.
        await until(async () => {
          const map = await kube.fetch(`${path}/configmaps/kube-root-ca.crt`);
          return (await map.text()).includes("BEGIN CERTIFICATE");
        });
      }
      await until(async () => {
        const response = await kube.fetch(path);
        await response.body?.cancel();
        return response.status === 404;
      });
    });

    await t.step("knows the token and the certificate only", async () => {
      const url = new URL("/api/v1/namespaces", kube.server);
      const caCerts = [address.caPem];
      const token = address.adminToken;
      const certificate = {
        cert: address.adminCertPem,
        key: address.adminKeyPem,
      };
      strictEqual((await status(url, { caCerts, token })).code, 200);
      strictEqual((await status(url, { caCerts, certificate })).code, 200);
      strictEqual((await status(url, { caCerts, token: "x" })).code, 401);
      strictEqual((await status(url, { caCerts })).code, 403);
      await rejects(status(url, { token }), TypeError);
    });

    await t.step("keeps its secrets to this user", async () => {
      strictEqual((await Deno.stat(dir)).mode! & 0o777, 0o700);
      for (const name of ["kubeconfig", "ca.key", "tokens.csv"]) {
        const { mode } = await Deno.stat(join(dir, name));
        strictEqual(mode! & 0o777, 0o600, name);
      }
    });

    await t.step("lays the folder of a ServiceAccount", async () => {
      await using namespace = await freshNamespace(kube);
      const { name } = namespace;
      const folder = await kube.serviceAccountDir(name);
      const read = (file: string) => Deno.readTextFile(join(folder, file));
      strictEqual(await read("namespace"), name);
      const caCerts = [await read("ca.crt")];
      const url = new URL("/api/v1/secrets", kube.server);
      const first = await read("token");
      strictEqual((await status(url, { caCerts, token: first })).code, 200);

      strictEqual(await kube.serviceAccountDir(name), folder);
      strictEqual(await read("token") === first, false);
      const token = await read("token");
      strictEqual((await status(url, { caCerts, token })).code, 200);
    });

    await t.step("binds a ServiceAccount to the role it is given", async () => {
      const folder = await kube.serviceAccountDir("default", {
        name: "reader",
        clusterRole: "view",
      });
      const caCerts = [address.caPem];
      const token = await Deno.readTextFile(join(folder, "token"));
      const url = (path: string) => new URL(path, kube.server);
      const pods = await status(url("/api/v1/pods"), { caCerts, token });
      strictEqual(pods.code, 200);
      const secrets = await status(url("/api/v1/secrets"), { caCerts, token });
      strictEqual(secrets.code, 403);
      match(secrets.body, /system:serviceaccount:default:reader/);
    });

    await t.step("refuses a namespace that is not there", async () => {
      await rejects(kube.serviceAccountDir("nowhere"), {
        code: "internal",
        message: /answered 404/,
      });
    });

    await t.step("is used by another process, which leaves it", async () => {
      const text = JSON.stringify(kube);
      const other = await LocalKube.attach(JSON.parse(text));
      const folder = await other.serviceAccountDir("default");
      strictEqual((await Deno.stat(folder)).isDirectory, true);
      await other.stop();
      strictEqual(await exists(folder), false);
      const response = await kube.fetch("/readyz");
      strictEqual(await response.text(), "ok");
    });

    await t.step("shows what its components logged", async () => {
      match(await kube.logs("kube-apiserver", 500), /Version: v1/);
      match(await kube.logs("kube-controller-manager"), /\S/);
    });

    strictEqual((await processesIn(dir)).length, 3);
  } finally {
    await kube.stop();
  }
  await kube.stop(); // a second time does nothing
  strictEqual(await exists(dir), false);
  strictEqual((await processesIn(dir)).join(), "");
});

Deno.test("startLocalKube() leaves nothing when its program is killed", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "deploy/localkube/serve.ts"],
    cwd: new URL("../..", import.meta.url),
    env: { KUBEBUILDER_ASSETS: "" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const line = new TextDecoder().decode(value);
  const [, kubeconfig = ""] = /^export KUBECONFIG=(\S+)\n$/.exec(line) ?? [];
  const dir = dirname(kubeconfig);
  strictEqual((await processesIn(dir)).length, 3);

  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await until(async () => (await processesIn(dir)).length === 0);
  await until(async () => !await exists(dir));
});

Deno.test("startLocalKube() ends on SIGTERM", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "deploy/localkube/serve.ts"],
    cwd: new URL("../..", import.meta.url),
    env: { KUBEBUILDER_ASSETS: "" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const line = new TextDecoder().decode(value);
  const dir = dirname(line.trim().replace("export KUBECONFIG=", ""));
  child.kill("SIGTERM");
  strictEqual((await child.status).code, 0);
  await reader.cancel();
  strictEqual(await exists(dir), false);
  strictEqual((await processesIn(dir)).join(), "");
});

Deno.test("startLocalKube() takes KUBEBUILDER_ASSETS, on another port if one is taken", async () => {
  const assets = await layAssets({
    apiServer:
      'if [ ! -e tried ]; then >tried; echo "address already in use" >&2; exit 1; fi',
  });
  try {
    await using kube = await startLocalKube({ cacheDir: "/nowhere", assets });
    strictEqual(kube.address.controllerManager, false);
    strictEqual(await exists(join(kube.address.logDir, "tried")), true);
    strictEqual((await processesIn(kube.address.logDir)).length, 2);
    await using namespace = await freshNamespace(kube);
    const folder = await kube.serviceAccountDir(namespace.name);
    const token = await Deno.readTextFile(join(folder, "token"));
    const url = new URL("/api/v1/secrets", kube.server);
    const caCerts = [kube.address.caPem];
    strictEqual((await status(url, { caCerts, token })).code, 200);
  } finally {
    await Deno.remove(assets, { recursive: true });
  }
});

Deno.test("startLocalKube() says what a component logged that does not start", async () => {
  const assets = await layAssets({
    etcd: "pwd >&2; echo no space left on device >&2; exit 3",
  });
  try {
    const started = startLocalKube({ cacheDir: "/nowhere", assets });
    const error = await started.then(() => undefined, (reason) => reason);
    strictEqual(error?.code, "no_cluster");
    match(error.message, /etcd ended with code 3.*no space left on device$/s);
    const [dir] = /\/\S*transporter-localkube-\S+/.exec(error.message) ?? [];
    strictEqual(await exists(dir ?? assets), false);
  } finally {
    await Deno.remove(assets, { recursive: true });
  }
});

Deno.test("startLocalKube() names a program that KUBEBUILDER_ASSETS lacks", async () => {
  await rejects(
    startLocalKube({ cacheDir: "/nowhere", assets: "/nowhere/assets" }),
    { code: "no_cluster", message: /\/nowhere\/assets\/etcd/ },
  );
});
