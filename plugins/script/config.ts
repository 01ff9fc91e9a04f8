import * as v from "valibot";
import { configSchema as clusterSchema } from "../k8s_resource/config.ts";
import { RUNNERS } from "./payload.ts";

const text = v.pipe(v.string(), v.nonEmpty());

function integer(min: number, max: number) {
  return v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
}

/** What is done with scripts where nothing keeps their Pods from the network. */
const NETWORK_POLICIES = ["mark", "require", "ignore"] as const;

/** Who a script runs as when the cluster is to choose. */
export const USER_OF_CLUSTER = "cluster";

/** The name of a Secret. @see {@link https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names} */
const secretName = v.pipe(
  v.string(),
  v.maxLength(253, "the name of a Secret has at most 253 characters"),
  v.regex(
    /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/,
    "the name of a Secret is needed: lowercase letters, digits, - and .",
  ),
);

/** Where scripts run as Jobs. */
const jobEntries = v.strictObject({
  /** The cluster, as `k8s_resource` has it. */
  cluster: clusterSchema,
  /** The namespace of the Jobs. */
  namespace: v.optional(text, "tp-run-default"),
  /** The images that may be used, the first one unless an event names another; none: the agent's own, in its cluster. */
  images: v.optional(v.array(text), []),
  /** The agent's Pod; by default it is called as its machine is. */
  pod_name: v.optional(text),
  /** What is done where nothing keeps to NetworkPolicies. */
  network_policy: v.optional(v.picklist(NETWORK_POLICIES), "mark"),
  /** The RuntimeClass of the Pods. */
  runtime_class: v.optional(text),
  /** The Secrets that the images are pulled with. */
  pull_secrets: v.optional(v.array(secretName), []),
});

/** The same, where an image is known without being named. */
const jobSchema = v.pipe(
  jobEntries,
  v.forward(
    v.check(
      ({ images, cluster: { kubeconfig, in_cluster } }) =>
        images.length > 0 || kubeconfig === undefined || in_cluster === true,
      "an image is needed: an agent that is no Pod has none of its own (--script-image)",
    ),
    ["images"],
  ),
);

/** How a script is kept from everything else. */
export const CONFINEMENTS = ["bwrap", "namespaces"] as const;

/** What the operator may set. */
export const configSchema = v.strictObject({
  /** A folder of the agent's own, for what a script is started with. */
  dir: text,
  /** How scripts may be run; as the first one says unless an event says otherwise. */
  runners: v.optional(
    v.pipe(v.array(v.picklist(RUNNERS)), v.minLength(1)),
    ["process"],
  ),
  /** Where those run that are Jobs. */
  job: v.optional(jobSchema),
  /** What may run scripts: `NAME=PATH`, with `@sha256:HEX` where only that very program may. */
  interpreters: v.optional(v.array(text), ["sh=/bin/sh"]),
  /** How long a script may run at most, in milliseconds. */
  timeout_max_ms: v.optional(integer(1, 30 * 24 * 3_600_000), 3_600_000),
  /** Who a script runs as, `UID` or `UID:GID`, where the agent is root. */
  user: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^([1-9]\d{0,8}(:[1-9]\d{0,8})?|cluster)$/,
        'UID or UID:GID is needed, and not root; "cluster" for Pods',
      ),
    ),
    "47533",
  ),
  /** Whether scripts may use the network of the machine. */
  network: v.optional(v.boolean(), false),
  /** The permissions that scripts of Deno may have at most. */
  deno_permissions: v.optional(v.array(text), [
    "read=/tmp",
    "write=/tmp",
    "env",
  ]),
  /** Data of one process, in MiB. */
  memory_mib: v.optional(integer(16, 1_048_576), 1024),
  /** Processes and threads of one script at the same time. */
  processes: v.optional(integer(4, 32_768), 64),
  /** Open files of one process. */
  files: v.optional(integer(16, 1_048_576), 1024),
  /** Processor time of one process, in seconds. */
  cpu_seconds: v.optional(integer(1, 2_592_000), 3600),
  /** Size of `/tmp`, and of `/dev/shm`, in MiB. */
  tmp_mib: v.optional(integer(1, 65_536), 64),
  /** How long a script has to end by itself after SIGTERM, in milliseconds. */
  grace_ms: v.optional(integer(0, 60_000), 5000),
  /** How scripts are confined; by default with `bwrap` where it works, else with namespaces made by root. */
  confinement: v.optional(v.picklist(CONFINEMENTS)),
});

/** What the schema accepts. */
export type Config = v.InferOutput<typeof configSchema>;
