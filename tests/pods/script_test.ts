/** Scripts as Jobs, in a cluster with nodes. */
import {
  deepStrictEqual,
  doesNotMatch,
  match,
  strictEqual,
} from "node:assert/strict";
import { type EventView, isTerminal, type LogPage } from "@transporter/sdk";
import { Bench, type Settings } from "../../plugins/script/testing/bench.ts";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { askCluster, busybox, KUBECONFIG, lockedNamespace } from "./cluster.ts";

const FOUND = await busybox();
const IMAGE = FOUND ?? "";

interface Item {
  readonly metadata: { readonly name: string };
}

/** A namespace of its own, where only what is locked down may run, and what is in it. */
async function place() {
  const namespace = await lockedNamespace();
  return {
    ...namespace,
    items: async (path: string) =>
      (await askCluster<{ items: Item[] }>(
        KUBECONFIG,
        path.replace("NS", namespace.name),
      ))
        .items,
  };
}

function open(namespace: string, more: Settings = {}): Promise<Bench> {
  return Bench.open({
    runners: ["job"],
    interpreters: ["sh=/bin/sh"],
    user: "47533",
    job: {
      cluster: { kubeconfig: KUBECONFIG },
      namespace,
      network_policy: "ignore",
      images: [IMAGE, "docker.io/local/none:1"],
    },
    ...more,
  });
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name} (pods)`, ignore: FOUND === undefined, fn });
}

test("a script as a Job gets what it was given, and says how it ended", async () => {
  await using namespace = await place();
  await using bench = await open(namespace.name);
  const nasty = ["$(id)", "a b", "it's", "", "*"];
  const { last, stdout } = await bench.run({
    script: `for arg; do printf '[%s]' "$arg"; done; echo
echo "$STAGE $TOKEN"; cat; echo; id -u; printf 'no end'; exit 3`,
    args: nasty,
    env: { STAGE: "$(date)", TOKEN: { secret: "c4n4ry" } },
    stdin: "from stdin",
  });
  strictEqual(
    stdout,
    `${
      nasty.map((text) => `[${text}]`).join("")
    }\n$(date) [redacted]\nfrom stdin\n47533\nno end`,
  );
  strictEqual(last.error?.code, "failed");
  strictEqual(
    last.message,
    'The script ended with exit code 3, and said "no end"',
  );
  strictEqual(last.result?.["exit_code"], 3);
  deepStrictEqual(
    (await namespace.items("/api/v1/namespaces/NS/secrets")).map((
      { metadata },
    ) => metadata.name),
    [],
  );
});

test("a script as a Job gets at nothing of the cluster or its node", async () => {
  await using namespace = await place();
  await using bench = await open(namespace.name, { processes: 32, tmp_mib: 2 });
  const { stdout } = await bench.run({
    script: `ls /var/run/secrets/kubernetes.io/serviceaccount/token
env | grep -i service
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status
for dir in / /bin /etc /run /proc/sys/kernel /script; do (: >"$dir/x") && echo "wrote $dir"; done
mount -t tmpfs tmpfs /tmp && echo mounted
unshare -U true && echo userns
ls /proc | grep -c '^[0-9]'
for i in $(seq 100); do sleep 100 & done
ls /proc | grep -c '^[0-9]'`,
    timeout: "1m",
  });
  const lines = stdout.split("\n")
    .filter((line) =>
      !/^(ls|sh|mount|unshare|\/script|date):|can't|cannot/i.test(line)
    );
  doesNotMatch(stdout, /^wrote|^mounted|^userns|token$|SERVICE/m);
  deepStrictEqual(lines.slice(0, 3), [
    "CapEff:\t0000000000000000",
    "NoNewPrivs:\t1",
    "Seccomp:\t2",
  ]);
});

test("a script as a Job is stopped at its timeout, and may clean up", async () => {
  await using namespace = await place();
  await using bench = await open(namespace.name);
  const { last, stdout } = await bench.run({
    script: "trap 'echo cleaned; exit 0' TERM; echo begun; sleep 1000 & wait",
    timeout: "10s",
  });
  strictEqual(last.error?.code, "timeout");
  strictEqual(stdout, "begun\ncleaned\n");
  await until(async () =>
    (await namespace.items("/apis/batch/v1/namespaces/NS/jobs")).length === 0
      ? true
      : undefined
  );
});

test("a script as a Job that cannot begin, needs too much, or loses its Pod says so", async () => {
  await using namespace = await place();
  await using bench = await open(namespace.name, { memory_mib: 32 });
  const none = await bench.run({
    script: "date",
    runner: "job",
    image: "docker.io/local/none:1",
  });
  match(
    none.last.message,
    /^Cannot begin the script as its Pod does not: .*ErrImageNeverPull/,
  );

  const much = await bench.run(
    "x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo done",
  );
  strictEqual(much.last.error?.code, "failed");
  match(much.last.message, /signal SIGKILL \(OOMKilled\)|exit code/);

  const gone = await bench.run("echo begun; sleep 1000", {
    async onOutput() {
      const pods = await namespace.items(
        "/api/v1/namespaces/NS/pods?fieldSelector=status.phase=Running",
      );
      for (const { metadata: { name } } of pods) {
        await askCluster(
          KUBECONFIG,
          `/api/v1/namespaces/${namespace.name}/pods/${name}?gracePeriodSeconds=0`,
          "DELETE",
        );
      }
    },
  });
  strictEqual(gone.last.phase, "interrupted");
});

test("a script as a Job goes on while its agent is away, and is found again", async () => {
  await using namespace = await place();
  await using cp = await CpProcess.start();
  await using agent = await AgentProcess.start("edge-7", {
    cpUrl: cp.agentUrl,
    flags: [
      "--kubeconfig",
      KUBECONFIG,
      "--enable",
      "script",
      "--script-runner",
      "job",
      "--script-image",
      IMAGE,
      "--script-namespace",
      namespace.name,
    ],
  });
  await untilConnected(cp.url, "edge-7");
  async function run(code: number): Promise<EventView> {
    const event = {
      type: "script",
      target_agent: "edge-7",
      payload: {
        script:
          `echo begun; until [ -e /tmp/x ]; do sleep 1; i=$((i+1)); [ "$i" = 12 ] && : >/tmp/x; done; echo over; exit ${code}`,
      },
    };
    const { event_id: id } = await submit(cp.url, event);
    const get = async <T>(path: string): Promise<T> =>
      await (await fetch(`${cp.url}/v2/events/${path}`)).json();
    const written = async (word: string) =>
      await until(async () => {
        const { items } = await get<LogPage>(`${id}/logs`);
        const text = items.map(({ data }) => data).join("");
        return text.includes(word) ? text : undefined;
      });
    await written("begun");
    await agent.crash();
    agent.restart();
    const view = await until(async () => {
      const found = await get<EventView>(id);
      return isTerminal(found.state) ? found : undefined;
    });
    strictEqual((await written("over")).match(/begun/g)?.length, 1);
    return view;
  }
  const good = await run(0);
  deepStrictEqual([good.state, good.attempt, good.result?.["exit_code"]], [
    "completed",
    1,
    0,
  ]);
  match(
    String(good.result?.["warnings"]),
    /^The agent was started again while the script ran: of the five seconds/,
  );
  const bad = await run(3);
  deepStrictEqual([bad.state, bad.attempt, bad.error?.code], [
    "failed",
    1,
    "failed",
  ]);
});
