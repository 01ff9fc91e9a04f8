import { match, strictEqual } from "node:assert/strict";
import { Program } from "../tests/program.ts";

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly says: readonly RegExp[];
}

/** A variable that the tests may run with, and that would name a cluster or a setting. */
const NONE = {
  KUBERNETES_SERVICE_HOST: "",
  KUBEBUILDER_ASSETS: "",
};

const PROXY = "http://127.0.0.1:9";

const AGENT = ["agent", "--agent-id", "edge"];

const CASES: readonly Case[] = [
  {
    name: "agent without an id",
    args: ["agent"],
    code: 2,
    says: [/--agent-id or TP_AGENT_AGENT_ID/],
  },
  {
    name: "agent without a cluster",
    args: AGENT,
    code: 3,
    says: [
      /Cannot find a Kubernetes cluster/,
      /--kubeconfig or --kube-context/,
      /in a pod/,
    ],
  },
  {
    name: "agent with a cluster twice",
    args: [...AGENT, "--in-cluster", "--kube-context", "kind-edge"],
    code: 2,
    says: [/both --in-cluster and --kubeconfig or --kube-context/],
  },
  {
    name: "agent with a type enabled that there is not",
    args: [...AGENT, "--enable", "scripts"],
    code: 2,
    says: [/Cannot use --enable "scripts": it must be script/],
  },
  {
    name: "agent whose scripts would be root",
    args: [...AGENT, "--enable", "script", "--script-user", "0"],
    code: 2,
    says: [/"user": UID or UID:GID is needed, and not root/],
  },
  {
    name: "agent that is no Pod and names no image for its Jobs",
    args: [
      ...AGENT,
      "--kubeconfig",
      new URL("testdata/away.yaml", import.meta.url).pathname,
      ...["--enable", "script", "--script-runner", "job"],
    ],
    code: 2,
    says: [
      /"job\.images": an image is needed: an agent that is no Pod has none of its own \(--script-image\)/,
    ],
  },
  {
    name: "agent with a pull secret whose name no Secret can have",
    args: [
      ...AGENT,
      "--kubeconfig",
      new URL("testdata/away.yaml", import.meta.url).pathname,
      ...["--enable", "script", "--script-runner", "job"],
      ...["--script-image", "busybox:1", "--script-pull-secret", "My_Key"],
    ],
    code: 2,
    says: [
      /"job\.pull_secrets\.0": the name of a Secret is needed: lowercase letters, digits, - and \./,
    ],
  },
  {
    name: "agent with an image for scripts, which are off",
    args: [...AGENT, "--script-image", "busybox:1"],
    code: 2,
    says: [
      /^error\[usage\]: Cannot use --script-image without --enable script: scripts are off$/m,
    ],
  },
  {
    name: "agent whose file has a pull secret for Jobs that do not run",
    args: [
      ...AGENT,
      "--config",
      new URL("testdata/no_jobs.yaml", import.meta.url).pathname,
    ],
    code: 2,
    says: [
      /^error\[usage\]: Cannot use the file's script-pull-secret without --script-runner job: no script runs as a Job$/m,
    ],
  },
  {
    name: "agent with a variable for the network of scripts that are Jobs",
    args: [...AGENT, "--enable", "script", "--script-runner", "job"],
    env: { TP_AGENT_SCRIPT_NETWORK: "true" },
    code: 2,
    says: [
      /^error\[usage\]: Cannot use TP_AGENT_SCRIPT_NETWORK without --script-runner process: no script runs beside the agent$/m,
    ],
  },
  {
    name: "agent with an interpreter that is not there",
    args: [...AGENT, "--enable", "script", "--script-interpreter", "a=/no/b"],
    code: 2,
    says: [
      /Cannot use the interpreter "a=\/no\/b": "\/no\/b" cannot be looked at/,
    ],
  },
  {
    name: "cp without a word about its safety",
    args: ["cp", "--listen", "127.0.0.1:0"],
    code: 2,
    says: [/--dev/],
  },
  {
    name: "cp with a variable for a data folder, and a store in memory",
    args: ["cp", "--dev", "--store", "memory:"],
    env: { TP_CP_DATA_DIR: "/d" },
    code: 2,
    says: [
      /^error\[usage\]: Cannot use --data-dir as nothing would be in it/m,
    ],
  },
  {
    name: "cp without a home, which Redis needs none of",
    args: ["cp", "--dev", "--store", "redis://127.0.0.1:1"],
    env: { HOME: "", XDG_STATE_HOME: "" },
    code: 3,
    says: [/^error\[store_unavailable\]/m],
  },
  ...[
    {
      flag: "--ingest",
      url: "nats://ann:s3cret@broker.example",
      proxy: "HTTPS_PROXY",
      says:
        /^error\[usage\]: Cannot dial "nats:\/\/broker.example" as NATS over TCP does not go through the proxy in HTTPS_PROXY: use nats\+wss, or add "broker\.example" to NO_PROXY$/m,
    },
    {
      flag: "--agent-broker",
      url: "tls://ann:s3cret@broker.example",
      proxy: "HTTPS_PROXY",
      says:
        /^error\[usage\]: Cannot dial "tls:\/\/broker.example" as NATS over TCP does not go through the proxy in HTTPS_PROXY: use nats\+wss, or add "broker\.example" to NO_PROXY$/m,
    },
    {
      flag: "--results",
      url: "nats+ws://ann:s3cret@broker.example",
      proxy: "HTTP_PROXY",
      says:
        /^error\[usage\]: Cannot dial "nats\+ws:\/\/broker.example" as a plain WebSocket does not go through the proxy in HTTP_PROXY: use nats\+wss, or add "broker\.example" to NO_PROXY$/m,
    },
  ].map(({ flag, url, proxy, says }) => ({
    name: `cp ${flag} past a proxy`,
    args: ["cp", "--dev", "--listen", "127.0.0.1:0", flag, url],
    env: { [proxy]: PROXY, NO_PROXY: "example.com" },
    code: 2,
    says: [says],
  })),
  {
    name: "send --mode nats past a proxy",
    args: [
      ...["send", "k8s", "--agent", "edge", "--mode", "nats"],
      ...["--cp-url", "nats://ann:s3cret@broker.example"],
      ...[
        "-f",
        new URL("../examples/namespace.yaml", import.meta.url).pathname,
      ],
    ],
    env: { HTTPS_PROXY: PROXY },
    code: 2,
    says: [
      /^error\[usage\]: Cannot dial "nats:\/\/broker\.example" as NATS over TCP does not go through the proxy in HTTPS_PROXY: use nats\+wss, or add "broker\.example" to NO_PROXY$/m,
    ],
  },
  {
    name: "demo that ends and stays",
    args: ["demo", "--once", "--keep-running"],
    code: 2,
    says: [/Cannot use both --once and --keep-running/],
  },
  {
    name: "demo whose agent cannot be opened",
    args: [
      "demo",
      "--once",
      "--listen",
      "127.0.0.1:0",
      "--kubeconfig",
      "/missing/config",
    ],
    code: 3,
    says: [/Cannot find the kubeconfig "\/missing\/config"/],
  },
  {
    name: "demo with a cluster that is away",
    args: [
      "demo",
      "--once",
      "--listen",
      "127.0.0.1:0",
      "--kubeconfig",
      new URL("testdata/away.yaml", import.meta.url).pathname,
    ],
    code: 3,
    says: [
      /^error\[cluster_unavailable\]: .* does not answer/m,
      /start the cluster, or name another with --kube-context or --kubeconfig$/m,
    ],
  },
  {
    name: "demo on a machine without a cluster",
    args: ["demo", "--once"],
    code: 3,
    says: [
      /--kube-context or --kubeconfig/,
      /KUBEBUILDER_ASSETS/,
      /install Go 1\.\d+/,
    ],
  },
];

/** Where Deno keeps modules: a program with another cache folder shall not load them again. */
async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  const { denoDir }: { denoDir: string } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  return denoDir;
}

for (const { name, args, env = {}, code, says } of CASES) {
  Deno.test(`transporter ends with ${code} and says what to do: ${name}`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      const folders = ["bin", "cache", "state", "tmp"];
      for (const folder of folders) await Deno.mkdir(`${dir}/${folder}`);
      await using program = Program.start(args, {
        env: {
          ...NONE,
          DENO_DIR: await denoDir(),
          HOME: dir,
          PATH: `${dir}/bin`,
          TMPDIR: `${dir}/tmp`,
          XDG_CACHE_HOME: `${dir}/cache`,
          XDG_STATE_HOME: `${dir}/state`,
          ...env,
        },
      });
      const status = await program.status();
      const { output } = program;
      strictEqual(status.code, code, output);
      for (const regexp of says) match(output, regexp);
      // A person made a mistake; where in our source it was noticed is of no use to them.
      strictEqual(/^ +at /m.test(output), false, output);
      for (const folder of ["tmp", "state"]) {
        const left = await Array.fromAsync(Deno.readDir(`${dir}/${folder}`));
        strictEqual(left.length, 0, `${folder} is as empty as before`);
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}
