import { config } from "@transporter/agent/config";
import type { SettingDescription } from "@transporter/sdk";
import { doesNotThrow, throws } from "node:assert/strict";
import { refuseUnused } from "./unused_settings.ts";

/** What a person said, and where: `pod` is the environment of a Pod. */
interface Said {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: Readonly<Record<string, unknown>>;
  readonly pod?: true;
}

function refuse({ flags = {}, env = {}, file, pod }: Said): void {
  const all = pod ? { ...env, KUBERNETES_SERVICE_HOST: "10.0.0.1" } : env;
  const { values, given } = config.read({ flags, env: all, file });
  refuseUnused(values, given, all);
}

/** A value that the setting may have. */
function valueOf({ setting }: SettingDescription): unknown {
  switch (setting.kind) {
    case "list":
    case "entries":
      return ["a"];
    case "boolean":
      return true;
    case "integer":
      return setting.default;
    case "duration":
      return "2s";
    case "choice":
      return setting.choices[0];
    default:
      return "a";
  }
}

const SCRIPT = { enable: ["script"] };
const JOB = { ...SCRIPT, scriptRunner: ["job"] };

for (const each of config.settings) {
  if (!each.name.startsWith("script")) continue;
  Deno.test(`refuseUnused() refuses ${each.flag} where scripts are off, wherever it was said`, () => {
    const value = valueOf(each);
    const message = (from: string) => ({
      code: "usage",
      message: `Cannot use ${from} without --enable script: scripts are off`,
    });
    throws(() => refuse({ flags: { [each.name]: value } }), message(each.flag));
    throws(
      () => refuse({ env: { [each.env]: String(value) } }),
      message(each.env),
    );
    throws(
      () => refuse({ file: { [each.key]: value } }),
      message(`the file's ${each.key}`),
    );
  });
}

const REFUSED: readonly (readonly [Said, message: string])[] = [
  ...["image", "namespace", "network-policy", "pull-secret", "runtime-class"]
    .map((name) =>
      [
        { flags: SCRIPT, file: { [`script-${name}`]: jobValue(name) } },
        `the file's script-${name} without --script-runner job: no script runs as a Job`,
      ] as const
    ),
  [
    { flags: { ...JOB, scriptNetwork: true } },
    "--script-network without --script-runner process: no script runs beside the agent",
  ],
  [
    { flags: JOB, env: { TP_AGENT_SCRIPT_CPU: "1m" } },
    "TP_AGENT_SCRIPT_CPU without --script-runner process: no script runs beside the agent",
  ],
  [
    { flags: { ...SCRIPT, scriptDenoPermission: ["env"] } },
    "--script-deno-permission without --script-interpreter deno=PATH: no script may be of the interpreter deno",
  ],
  ...[
    { flags: { ...JOB, podName: "a" } },
    { pod: true, flags: { ...SCRIPT, podName: "a" } },
    { pod: true, flags: { ...JOB, podName: "a", scriptImage: ["a"] } },
  ].map((said) =>
    [
      said as Said,
      "--pod-name unless scripts run as Jobs in the agent's own image: in a Pod, with --enable script, --script-runner job and no --script-image",
    ] as const
  ),
  [
    {
      pod: true,
      flags: { ...JOB, scriptImage: ["a"], scriptDenoPermission: ["env"] },
    },
    "--script-deno-permission without --script-interpreter deno=PATH: no script may be of the interpreter deno",
  ],
  [
    { flags: { ...SCRIPT, kubeEvents: true } },
    "--kube-events without a cluster: no manifests are applied",
  ],
  [
    { flags: { ...SCRIPT, serviceAccountDir: "/a" } },
    "--service-account-dir without a cluster: it has the credentials for one",
  ],
  [
    { flags: { kubeconfig: "/a", serviceAccountDir: "/a" } },
    "--service-account-dir with --kubeconfig or --kube-context: those name the cluster and its credentials",
  ],
];

function jobValue(name: string): unknown {
  if (name === "network-policy") return "require";
  return name === "image" || name === "pull-secret" ? ["a"] : "a";
}

for (const [said, message] of REFUSED) {
  Deno.test(`refuseUnused() refuses ${message}`, () => {
    throws(() => refuse(said), {
      code: "usage",
      message: `Cannot use ${message}`,
    });
  });
}

const TAKEN: Readonly<Record<string, Said>> = {
  "nothing": {},
  "what asks for nothing that is not so anyway": {
    flags: { scriptNetwork: false, kubeEvents: false },
    env: { TP_AGENT_SCRIPT_IMAGE: "", TP_AGENT_SCRIPT_RUNTIME_CLASS: "" },
    file: { "script-pull-secret": [] },
  },
  "all of both runners": {
    flags: {
      ...SCRIPT,
      scriptRunner: ["process", "job"],
      scriptImage: ["a"],
      scriptNamespace: "a",
      scriptNetworkPolicy: "mark",
      scriptPullSecret: ["a"],
      scriptRuntimeClass: "a",
      scriptInterpreter: ["deno=/a"],
      scriptDenoPermission: ["env"],
      scriptNetwork: true,
      scriptCpu: "1m",
      scriptUser: "7",
      scriptMemory: 64,
      scriptProcesses: 8,
      scriptTmp: 8,
      scriptTimeoutMax: "1m",
    },
  },
  "what is of Pods in a Pod": {
    pod: true,
    flags: { serviceAccountDir: "/a", kubeEvents: true },
  },
  "the agent's own image in a Pod, which has Deno": {
    pod: true,
    flags: { ...JOB, podName: "a", scriptDenoPermission: ["env"] },
  },
  "Events in the cluster of a kubeconfig": {
    flags: { kubeContext: "a", kubeEvents: true },
  },
};

for (const [what, said] of Object.entries(TAKEN)) {
  Deno.test(`refuseUnused() takes ${what}`, () => {
    doesNotThrow(() => refuse(said));
  });
}
