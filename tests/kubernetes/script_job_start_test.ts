/** What is done with a script as a Job until it begins, against an API server without nodes. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { silentLogger, systemClock, systemRng } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { openCluster } from "../../plugins/k8s_resource/port.ts";
import { JobApi } from "../../plugins/script/job/api.ts";
import { untilBegun } from "../../plugins/script/job/start.ts";
import { Bench } from "../../plugins/script/testing/bench.ts";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { until } from "../system.ts";
import { CONTROLLERS, freshNamespace, testCluster } from "./cluster.ts";
import { read } from "./k8s_resource.ts";
import { ScriptKubelet } from "./script_kubelet.ts";

function open(kube: LocalKube, namespace: string): Promise<Bench> {
  return Bench.open({
    runners: ["job"],
    job: {
      network_policy: "ignore",
      cluster: { kubeconfig: kube.kubeconfig },
      namespace,
      images: ["local/none:1"],
    },
  });
}

function waiting(reason: string, message: string): object {
  return { waiting: { reason, message } };
}

Deno.test(
  "script as a Job: its time is counted from its beginning, and until then its event says what its Pod waits for",
  CONTROLLERS,
  async () => {
    await using kube = await testCluster();
    await using namespace = await freshNamespace(kube);
    const kubelet = new ScriptKubelet(kube, namespace.name);
    await using bench = await open(kube, namespace.name);
    const told = Promise.withResolvers<string>();
    const running = bench.run({ script: "date", timeout: "1s" }, {
      id: "slow",
      onReport(message) {
        if (message.includes("ImagePull")) told.resolve(message);
      },
    });
    const pod = await kubelet.pod("slow");
    await kubelet.say(pod, waiting("ImagePullBackOff", "Back-off pulling it"));
    // Which comes later than its time would have been over.
    const message = await Promise.race([
      told.promise,
      running.then(({ last }) => `ended: ${last.message}`),
    ]);
    strictEqual(
      message,
      'Waiting for the Pod of the script: its container "script" waits: ImagePullBackOff: Back-off pulling it',
    );
    await kubelet.say(pod, { running: {} }, { phase: "Running" });
    const { last } = await running;
    deepStrictEqual([last.error?.code, last.message], [
      "timeout",
      "The script did not end within 1s, and was stopped",
    ]);
    const path = `/apis/batch/v1/namespaces/${namespace.name}/jobs`;
    deepStrictEqual((await read<{ items: unknown[] }>(kube, path)).items, []);
  },
);

Deno.test(
  "script as a Job that can never begin fails at once",
  CONTROLLERS,
  async () => {
    await using kube = await testCluster();
    await using namespace = await freshNamespace(kube);
    const kubelet = new ScriptKubelet(kube, namespace.name);
    await using bench = await open(kube, namespace.name);
    const running = bench.run("date", { id: "never" });
    const pod = await kubelet.pod("never");
    await kubelet.say(pod, waiting("InvalidImageName", "no such name"));
    const { last } = await running;
    deepStrictEqual([last.error?.code, last.message], [
      "failed",
      'Cannot begin the script as its Pod does not: its container "script" waits: InvalidImageName: no such name',
    ]);
    ok((last.result?.duration ?? 0) < 60e9, "less than it may take to begin");
  },
);

Deno.test(
  "script as a Job may take two minutes until it begins, as an image may be there later",
  CONTROLLERS,
  async () => {
    await using kube = await testCluster();
    await using namespace = await freshNamespace(kube);
    const kubelet = new ScriptKubelet(kube, namespace.name);
    using cluster = await openCluster({ kubeconfig: kube.kubeconfig }, {
      clock: systemClock,
      rng: systemRng,
    });
    const api = new JobApi({
      namespace: namespace.name,
      user: undefined,
      ...{
        memoryMib: 64,
        processes: 32,
        files: 64,
        tmpMib: 1,
        pullSecrets: [],
      },
    }, cluster.client);
    const context = {
      signal: new AbortController().signal,
      deadline: systemClock.now() + 60_000,
      log: silentLogger,
      output() {},
      report: () => Promise.resolve(),
    };
    const spec = {
      ...{ id: "pulls", attempt: 1, image: "local/none:1", timeoutMs: 1000 },
      ...{ payload: { script: "date" }, command: ["/bin/sh"] },
    };
    await api.begin(spec, { signal: context.signal, until: context.deadline });
    await kubelet.say(
      await kubelet.pod("pulls"),
      waiting("ErrImagePull", "no route to the registry"),
    );
    const clock = new TestClock();
    const looked = () =>
      until(() => Promise.resolve(clock.sleeping > 0 ? true : undefined));
    const found = untilBegun(spec, context, { api, clock });
    await looked();
    await clock.advance(119_999);
    await looked(); // and it waits on
    await clock.advance(500);
    deepStrictEqual(await found, {
      kind: "stuck",
      why:
        'its container "script" waits: ErrImagePull: no route to the registry',
    });
  },
);
