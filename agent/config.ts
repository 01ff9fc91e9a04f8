import {
  type Config,
  type ConfigOf,
  defineConfig,
  type Settings,
} from "@transporter/sdk";

/** The table that {@linkcode config} is made of. */
export const SETTINGS = {
  cpUrl: {
    kind: "list",
    default: ["ws://localhost:8080/ws"],
    placeholder: "URL",
    help:
      "Addresses of the control plane, tried in turn; the scheme says how: ws, http, http+sse (each with an s for TLS), nats",
  },
  agentId: {
    kind: "string",
    placeholder: "ID",
    help: "Who this agent is; unique per control plane",
  },
  agentName: {
    kind: "string",
    placeholder: "NAME",
    help: "Its name for people; by default its id",
  },
  clusterName: {
    kind: "string",
    placeholder: "NAME",
    help: "The cluster it runs in; by default the agent's id",
  },
  clusterProvider: {
    kind: "string",
    placeholder: "NAME",
    help: "What runs the cluster, such as kind or eks",
  },
  region: { kind: "string", placeholder: "NAME", help: "Where the cluster is" },
  label: {
    kind: "list",
    placeholder: "KEY=VALUE",
    help: "A label to select the agent by",
  },
  namespace: {
    kind: "string",
    placeholder: "NAME",
    help: "The namespace the agent runs in",
  },
  dataDir: {
    kind: "string",
    placeholder: "DIR",
    help:
      "Where the journal is kept; by default a folder of this agent's in $XDG_STATE_HOME/transporter",
  },
  inCluster: {
    kind: "boolean",
    help: "Use the credentials that Kubernetes gives to pods",
  },
  kubeconfig: {
    kind: "string",
    placeholder: "FILE",
    help: "Use the credentials of this kubeconfig",
  },
  kubeContext: {
    kind: "string",
    placeholder: "NAME",
    help: "Which context of the kubeconfig to use",
  },
  serviceAccountDir: {
    kind: "string",
    placeholder: "DIR",
    default: "/var/run/secrets/kubernetes.io/serviceaccount",
    help: "Where Kubernetes puts the credentials of pods",
  },
  kubeEvents: {
    kind: "boolean",
    default: true,
    help:
      "Say in the cluster, by Events of Kubernetes, which event has changed an object",
  },
  policyDir: {
    kind: "string",
    placeholder: "DIR",
    help:
      "A folder of ValidatingAdmissionPolicies and bindings that every write to the cluster has to keep, whatever its event says",
  },
  plugin: {
    kind: "entries",
    placeholder: "SPEC",
    help:
      "A plugin of your own, in a process of its own: a path, URL, npm: or jsr:; #sha256-... pins it",
  },
  pluginInProcess: {
    kind: "entries",
    placeholder: "SPEC",
    help:
      "The same in this process, for a plugin that you trust as this program",
  },
  enable: {
    kind: "list",
    placeholder: "TYPE",
    help: "A type of event that is off unless it is named here: script",
  },
  scriptRunner: {
    kind: "list",
    placeholder: "RUNNER",
    default: ["process"],
    help:
      "How scripts may be run, the usual way first: process (confined, beside the agent), job (in a Pod of the cluster)",
  },
  scriptImage: {
    kind: "list",
    placeholder: "IMAGE",
    help:
      "An image that Jobs of scripts may use, the usual one first: by digest, or by a tag that the nodes have. None: the agent's own, if it is a Pod",
  },
  podName: {
    kind: "string",
    placeholder: "NAME",
    help:
      "What the agent's own Pod is called, by which it finds its image; by default as its machine, which is another name with hostNetwork",
  },
  scriptNamespace: {
    kind: "string",
    placeholder: "NAME",
    default: "tp-run-default",
    help: "The namespace of the Jobs of scripts",
  },
  scriptNetworkPolicy: {
    kind: "choice",
    choices: ["mark", "require", "ignore"],
    default: "mark",
    help:
      "Where nothing keeps Pods of scripts from the network, as a Pod tries at the start: mark their results, refuse them, or try nothing (then their Pods have no users of their own either)",
  },
  scriptRuntimeClass: {
    kind: "string",
    placeholder: "NAME",
    help:
      "The RuntimeClass of Pods of scripts, such as that of gVisor; otherwise the cluster's usual one",
  },
  scriptPullSecret: {
    kind: "list",
    placeholder: "NAME",
    help:
      "A Secret in the namespace of the Jobs of scripts that their images are pulled with",
  },
  scriptInterpreter: {
    kind: "list",
    placeholder: "NAME=PATH",
    default: ["sh=/bin/sh"],
    help:
      "A program that may run scripts, by the name that events have for it; with @sha256:HEX only that very program",
  },
  scriptTimeoutMax: {
    kind: "duration",
    default: "1h",
    min: "1s",
    max: "720h",
    help: "How long a script may run at most",
  },
  scriptUser: {
    kind: "string",
    placeholder: "UID[:GID]",
    default: "47533",
    help:
      "Who scripts run as in a Pod, and where the agent is root; cluster: in Pods, whom that chooses (OpenShift)",
  },
  scriptNetwork: {
    kind: "boolean",
    help:
      "Scripts may use the network of this machine, with all that listens on it; otherwise they have none",
  },
  scriptDenoPermission: {
    kind: "list",
    placeholder: "PERMISSION",
    default: ["read=/tmp", "write=/tmp", "env"],
    help:
      "What a script of the interpreter deno may ask for at most, such as net=api.example:443",
  },
  scriptMemory: {
    kind: "integer",
    default: 1024,
    min: 16,
    max: 1_048_576,
    placeholder: "MIB",
    help: "Data of one process of a script in MiB; Deno takes 600 to start",
  },
  scriptProcesses: {
    kind: "integer",
    default: 64,
    min: 4,
    max: 32_768,
    help: "Processes and threads of a script at the same time",
  },
  scriptCpu: {
    kind: "duration",
    default: "1h",
    min: "1s",
    max: "720h",
    help: "Processor time of one process of a script",
  },
  scriptTmp: {
    kind: "integer",
    default: 64,
    min: 1,
    max: 65_536,
    placeholder: "MIB",
    help:
      "Size in MiB of a script's /tmp, which is in memory, and of its /dev/shm; no file is larger",
  },
  heartbeatInterval: {
    kind: "duration",
    default: "10s",
    min: "1s",
    max: "5m",
    help:
      "Time between heartbeats; shorter where the control plane asks for it",
  },
  concurrency: {
    kind: "integer",
    default: 24,
    min: 1,
    max: 1000,
    help: "Events that run at the same time",
  },
  window: {
    kind: "integer",
    default: 64,
    min: 1,
    max: 64, // a control plane hands over no more, whatever is asked for
    help:
      "Events that the control plane may hand over before earlier ones are over",
  },
  journalMax: {
    kind: "integer",
    default: 256,
    min: 1,
    max: 16_384,
    placeholder: "MIB",
    help:
      "Size of the journal in MiB at which new events are refused for now; the last quarter is for ends",
  },
  once: {
    kind: "boolean",
    help:
      "Run what waits for it, have the control plane acknowledge all ends, and exit",
  },
  onceTimeout: {
    kind: "duration",
    min: "1s",
    max: "1h",
    help:
      "How long --once goes on while the control plane is away, or nothing comes of what waits; 30s unless it is given",
  },
  drainTimeout: {
    kind: "duration",
    default: "30s",
    min: "1s",
    max: "1h",
    help: "Time that running events have to finish after SIGTERM",
  },
  logLevel: {
    kind: "choice",
    choices: ["debug", "info", "warn", "error"],
    default: "info",
    help: "Lines below it are not written",
  },
} as const satisfies Settings;

/** Every setting of an agent, once. The credentials' folder is for {@linkcode Agent}'s host, which opens the plugins. */
export const config: Config<typeof SETTINGS> = defineConfig("agent", SETTINGS);

/** The values of an agent's settings. */
export type AgentConfig = ConfigOf<typeof config>;
