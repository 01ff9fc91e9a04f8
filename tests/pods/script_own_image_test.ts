/** Scripts as Jobs in the image of their agent, which is a Pod and has the rights of deploy/. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type EventView, isTerminal, type LogPage } from "@transporter/sdk";
import { parseAllDocuments } from "yaml";
import { openPlugin, runEvent } from "../kubernetes/k8s_resource.ts";
import { CpProcess, submit, until, untilConnected } from "../system.ts";
import { askCluster, KUBECONFIG } from "./cluster.ts";
import { addressOf, RELAY, relayTo } from "./relay.ts";

/** An image with Deno as `/bin/deno`, a `/bin/sh`, and the bundle as `/app/transporter.js` and `/app/parts`. */
const IMAGE = Deno.env.get("TRANSPORTER_TEST_AGENT_IMAGE");

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** The manifests that an operator applies, in namespaces of the test's own. */
async function manifests(name: string): Promise<readonly Manifest[]> {
  const files = ["rights/base.yaml", "script/jobs.yaml"].map((file) =>
    Deno.readTextFile(new URL(`../../deploy/${file}`, import.meta.url))
  );
  const text = (await Promise.all(files)).join("---\n")
    .replaceAll("tp-run-default", `${name}-run`)
    .replaceAll("transporter-agent-base", `${name}-base`)
    .replaceAll(/(namespace|name): transporter$/gm, `$1: ${name}`);
  return parseAllDocuments(text).map((document) => document.toJS());
}

/** The agent, beside what lets it reach the control plane. */
function agentPod(
  namespace: string,
  { hostname, port }: { readonly hostname: string; readonly port: number },
) {
  const container = {
    image: IMAGE,
    imagePullPolicy: "IfNotPresent",
    env: [{ name: "HOME", value: "/tmp" }],
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "agent", namespace },
    spec: {
      serviceAccountName: "transporter-agent",
      containers: [
        {
          ...container,
          name: "agent",
          command: [
            ...["/bin/deno", "run", "--allow-all", "/app/transporter.js"],
            ...["agent", "--agent-id", "own", "--data-dir", "/tmp/agent"],
            ...["--cp-url", "ws://localhost:8080/ws", "--enable", "script"],
            ...["--script-runner", "job", "--script-network-policy", "ignore"],
            ...["--script-namespace", `${namespace}-run`],
          ],
        },
        {
          ...container,
          name: "relay",
          command: ["/bin/deno", "eval", RELAY, hostname, String(port)],
        },
      ],
    },
  };
}

Deno.test({
  name:
    "scripts of an agent in a Pod run in its own image, by its digest, once it may look at its Pod",
  ignore: KUBECONFIG === "" || IMAGE === undefined,
  async fn() {
    const name = `own-${crypto.randomUUID().slice(0, 8)}`;
    await using admin = await openPlugin({ kubeconfig: KUBECONFIG });
    await using cp = await CpProcess.start();
    using relay = relayTo(cp.url);
    const relayed = {
      hostname: await addressOf(KUBECONFIG),
      port: relay.addr.port,
    };
    const apply = async (objects: readonly unknown[]) => {
      const { last } = await runEvent(admin, [...objects], { minutes: 3 });
      strictEqual(last.state, "completed", last.message);
    };
    async function run(payload: Readonly<Record<string, unknown>>) {
      const { event_id: id } = await submit(cp.url, {
        type: "script",
        target_agent: "own",
        payload,
      });
      const get = async <T>(path: string): Promise<T> =>
        await (await fetch(`${cp.url}/v2/events/${path}`)).json();
      const view = await until(async () => {
        const found = await get<EventView>(id);
        return isTerminal(found.state) ? found : undefined;
      });
      const { items } = await get<LogPage>(`${id}/logs`);
      const written = (wanted: string) =>
        items.filter(({ stream }) => stream === wanted)
          .map(({ data }) => data).join("");
      return { view, stdout: written("stdout"), stderr: written("stderr") };
    }
    const all = await manifests(name);
    const isLook = ({ metadata }: Manifest) =>
      metadata.name === "transporter-agent-own-image";
    strictEqual(all.filter(isLook).length, 2);
    try {
      await apply(all.filter((each) => !isLook(each)));
      await apply([agentPod(name, relayed)]);
      await untilConnected(cp.url, "own");

      const early = await run({ script: "date" });
      strictEqual(early.view.error?.code, "denied");
      match(
        String(early.view.error?.message),
        /^Cannot find the agent's own image by its Pod "agent": .*cannot get resource "pods".*: apply deploy\/script\/jobs\.yaml, which lets it look, or name an image with --script-image$/,
      );

      await apply(all.filter(isLook));
      const shell = await run({ script: "echo out; echo err >&2; exit 3" });
      deepStrictEqual([shell.stdout, shell.stderr], ["out\n", "err\n"]);
      strictEqual(typeof shell.view.result?.["user_time"], "number");
      deepStrictEqual(
        [shell.view.error?.message, shell.view.result?.["exit_code"]],
        ['The script ended with exit code 3, and said "err"', 3],
      );
      const deno = await run({
        interpreter: "deno",
        script: "console.log(typeof Deno.version.deno, Deno.args)",
        args: ["a b"],
      });
      strictEqual(deno.view.state, "completed", deno.view.message);
      strictEqual(deno.stdout, 'string [ "a b" ]\n');
      const image = (await askCluster<
        { status: { containerStatuses: { imageID: string }[] } }
      >(KUBECONFIG, `/api/v1/namespaces/${name}/pods/agent`))
        .status.containerStatuses[0]?.imageID ?? "";
      match(image, /sha256:[0-9a-f]{64}$/);
      const other = await run({ script: "date", runner: "job", image: IMAGE });
      strictEqual(
        other.view.error?.message,
        `Cannot run a script in the image "${IMAGE}": this agent allows "${image}"`,
      );
    } finally {
      for (
        const path of [
          `/api/v1/namespaces/${name}`,
          `/api/v1/namespaces/${name}-run`,
          ...["clusterroles", "clusterrolebindings"].map((kind) =>
            `/apis/rbac.authorization.k8s.io/v1/${kind}/${name}-base`
          ),
        ]
      ) {
        await askCluster(KUBECONFIG, path, "DELETE");
      }
    }
  },
});
