/** Ways out of the Pod of a script, each tried in a cluster with nodes, and the table of them in docs/script.md. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Bench, type Settings } from "../../plugins/script/testing/bench.ts";
import {
  JOB_ESCAPES,
  JOB_MORE,
  JOB_UNTRIED,
} from "../../plugins/script/testing/job_escapes.ts";
import {
  marker,
  processesWith,
} from "../../plugins/script/testing/processes.ts";
import { ROOT } from "../files.ts";
import { askCluster, busybox, KUBECONFIG, lockedNamespace } from "./cluster.ts";

const FOUND = await busybox();
const IMAGE = FOUND ?? "";

async function open(more: Settings = {}, images = [IMAGE]) {
  const namespace = await lockedNamespace();
  const bench = await Bench.open({
    runners: ["job"],
    interpreters: ["sh=/bin/sh"],
    job: {
      cluster: { kubeconfig: KUBECONFIG },
      namespace: namespace.name,
      network_policy: "ignore",
      images,
    },
    ...more,
  });
  return {
    bench,
    namespace: namespace.name,
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await namespace[Symbol.asyncDispose]();
    },
  };
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `script as a Job does not get at ${name} (pods)`,
    ignore: FOUND === undefined,
    fn,
  });
}

/** What a script printed, without the errors of programs: in a Pod both streams are one. */
function printed(stdout: string): string {
  return stdout.split("\n")
    .filter((line) => !/^[\w/-]+: /.test(line) || /^(Cap|NoNew|Sec)/.test(line))
    .join("\n");
}

for (const escape of JOB_ESCAPES) {
  const { name, script, prints, ends, payload = {}, settings } = escape;
  test(name, async () => {
    const file = await Deno.makeTempFile({ dir: "/tmp" });
    await Deno.writeTextFile(file, "canary of the node\n");
    await Deno.chmod(file, 0o644);
    try {
      await using opened = await open(settings);
      const { env } = payload as { readonly env?: object };
      const { last, stdout } = await opened.bench.run({
        script: `${script}\n:`,
        timeout: "45s",
        ...payload,
        env: { FILE: file, ...env },
      });
      const said = `${stdout}\n${last.message}`;
      match(printed(stdout), prints, said);
      match(last.message, ends ?? /^Event completed$/, said);
    } finally {
      await Deno.remove(file);
    }
  });
}

/** What is forbidden in the namespace of scripts, whoever asks. */
const FORBIDDEN: Readonly<Record<string, Settings>> = {
  hostNetwork: { hostNetwork: true },
  hostPID: { hostPID: true },
  hostPath: { volumes: [{ name: "host", hostPath: { path: "/" } }] },
  privileged: { containers: [{ securityContext: { privileged: true } }] },
  root: { securityContext: { runAsUser: 0 } },
};

const MORE: Readonly<Record<string, () => Promise<void>>> = {
  async "files of another script that runs at the same time"() {
    await using opened = await open();
    const { bench } = opened;
    const stop = new AbortController();
    await bench.run(
      "echo mine >/tmp/mine; echo mine >/dev/shm/mine; echo written; exec sleep 1000",
      {
        signal: stop.signal,
        async onOutput() {
          const { stdout } = await bench.run(
            "cat /tmp/mine /dev/shm/mine /proc/*/root/tmp/mine; ls /tmp /dev/shm; echo over",
          );
          stop.abort(new Error(stdout));
        },
      },
    );
    strictEqual(
      printed(stop.signal.reason.message),
      "/dev/shm:\n\n/tmp:\nover\n",
    );
  },
  async "a daemon that outlives the script, by forking twice"() {
    await using opened = await open();
    const seconds = marker();
    const { last } = await opened.bench.run(
      `(setsid sleep ${seconds} </dev/null >/dev/null 2>&1 &); sleep ${seconds} & echo begun`,
    );
    strictEqual(last.state, "completed", last.message);
    deepStrictEqual(await processesWith(seconds), []); // where the node is here
  },
  async "memory of the agent, by a hundred megabytes in one line"() {
    await using opened = await open();
    const before = Deno.memoryUsage().rss;
    let most = before;
    const { last } = await opened.bench.run(
      "head -c 104857600 /dev/zero | tr '\\0' x",
      {
        onOutput: () => most = Math.max(most, Deno.memoryUsage().rss),
        keep: false,
      },
    );
    strictEqual(last.state, "completed", last.message);
    strictEqual(last.result?.["output_truncated"], true);
    ok(most - before < 256 * 1024 * 1024, `${most - before} bytes`);
  },
  async "a shell, by its arguments; secrets in its output"() {
    await using opened = await open();
    const nasty = ["$(id)", "`id`", "a;b", "it's", '"', "", "*"];
    const { stdout } = await opened.bench.run({
      script: `printf '[%s]' "$@"; echo "$STAGE $TOKEN"`,
      args: nasty,
      env: { STAGE: '$(id) "`id`', TOKEN: { secret: "c4n4ry" } },
    });
    strictEqual(
      stdout,
      `${nasty.map((text) => `[${text}]`).join("")}$(id) "\`id\` [redacted]\n`,
    );
  },
  async "hostPath, hostNetwork, privileged Pods and the like, in its namespace"() {
    await using namespace = await lockedNamespace();
    for (const [name, spec] of Object.entries(FORBIDDEN)) {
      const [container = {}] = (spec["containers"] ?? []) as object[];
      const answer = await askCluster<{ reason?: string; message?: string }>(
        KUBECONFIG,
        `/api/v1/namespaces/${namespace.name}/pods`,
        "POST",
        {
          metadata: { name: name.toLowerCase() },
          spec: {
            ...spec,
            containers: [{ name: "main", image: IMAGE, ...container }],
          },
        },
      );
      strictEqual(answer.reason, "Forbidden", name);
      match(String(answer.message), /violates PodSecurity "restricted/);
    }
  },
  async "an image by another name, or by a tag that has moved"() {
    await using opened = await open({}, [IMAGE, "docker.io/local/none:1"]);
    const other = await opened.bench.run({
      script: "date",
      runner: "job",
      image: "docker.io/local/other:1",
    });
    strictEqual(other.last.error?.code, "denied");
    // By a tag it is not asked for in any registry.
    const none = await opened.bench.run({
      script: "date",
      runner: "job",
      image: "docker.io/local/none:1",
    });
    match(none.last.message, /ErrImageNeverPull/);
  },
};

for (const [name, fn] of Object.entries(MORE)) test(name, fn);

Deno.test("docs/script.md: its table of ways out of a Pod has every one, and what comes of it", async () => {
  deepStrictEqual(Object.keys(MORE), JOB_MORE);
  const page = await Deno.readTextFile(`${ROOT}docs/script.md`);
  const [, table = ""] = /### What was tried\n([^]*?)\n### /
    .exec(page) ?? [];
  const rows = [...table.matchAll(/^\| (.+?) +\| (\w[\w ]*?) +\|/gm)]
    .map(([, ...cells]) => cells.map((cell) => cell.trim()));
  deepStrictEqual(
    rows.slice(1),
    [
      ...JOB_ESCAPES.map(({ name, verdict = "held" }) => [name, verdict]),
      ...JOB_MORE.map((name) => [name, "held"]),
      ...JOB_UNTRIED.map(({ name }) => [name, "not run"]),
    ],
  );
});
