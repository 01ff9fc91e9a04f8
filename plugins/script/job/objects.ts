import { createHash } from "node:crypto";
import type { Payload } from "../payload.ts";
import { valueOf } from "../payload.ts";

/** The annotations of a Job: which event it is of, and how far its log was read. */
export const ANNOTATIONS = {
  event: "transporter/event-id",
  read: "transporter/read",
} as const;

/** What the container of a script is called. */
export const CONTAINER = "script";

/** Seconds after the agent's own end of a script at which the cluster ends it, should the agent be gone. */
const BACKSTOP_SECONDS = 60;

/** Seconds that a Job stays when it is over: an agent that was away finds it. */
const KEPT_SECONDS = 3600;

/** Seconds that a script has to end by itself after SIGTERM. */
export const GRACE_SECONDS = 5;

/** How scripts run in a cluster, by what the operator allows. */
export interface JobSettings {
  /** The namespace of the Jobs. */
  readonly namespace: string;
  /** Who a script runs as. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** Memory of the container, in MiB. */
  readonly memoryMib: number;
  /** Processes of the container. */
  readonly processes: number;
  /** Size of `/tmp`, in MiB. */
  readonly tmpMib: number;
}

/** One script to run. */
export interface JobSpec {
  /** The id of its event. */
  readonly id: string;
  /** Which attempt. */
  readonly attempt: number;
  /** What is asked. */
  readonly payload: Payload;
  /** The interpreter and its arguments. */
  readonly command: readonly string[];
  /** The image. */
  readonly image: string;
  /** How long it may run, in milliseconds. */
  readonly timeoutMs: number;
}

/** The name of the Job of an attempt: the same each time, so that it is begun once. */
export function jobName(
  { id, attempt }: Pick<JobSpec, "id" | "attempt">,
): string {
  const hash = createHash("sha256").update(`${id}\0${attempt}`).digest("hex");
  return `script-${hash.slice(0, 32)}`;
}

/** What each container is told of its cluster, and no script needs. */
const TOLD: readonly string[] = [
  "KUBERNETES_PORT",
  "KUBERNETES_PORT_443_TCP",
  "KUBERNETES_PORT_443_TCP_ADDR",
  "KUBERNETES_PORT_443_TCP_PORT",
  "KUBERNETES_PORT_443_TCP_PROTO",
  "KUBERNETES_SERVICE_HOST",
  "KUBERNETES_SERVICE_PORT",
  "KUBERNETES_SERVICE_PORT_HTTPS",
];

/**
 * The first process of the container: bounds how many there are, gives the
 * script its input, and becomes the interpreter. Nothing of an event is a part
 * of this text.
 */
const ENTER =
  'ulimit -p "$0" 2>/dev/null || ulimit -u "$0" || exit 125; unset $1; shift; exec "$@" </run/script/stdin';

/** An image that cannot move may be pulled; another one has to be on the node already. */
function pullPolicy(image: string): string {
  return image.includes("@sha256:") ? "IfNotPresent" : "Never";
}

/** The Secret of a Job: script, input and variables. */
export function secretOf(
  spec: JobSpec,
  { namespace }: JobSettings,
  uid: string,
): Readonly<Record<string, unknown>> {
  const { payload } = spec;
  const name = jobName(spec);
  const variables = Object.entries(payload.env ?? {})
    .map(([key, value]) => [`env.${key}`, valueOf(value)]);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      namespace,
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid }],
    },
    immutable: true,
    stringData: {
      script: payload.script,
      stdin: payload.stdin ?? "",
      ...Object.fromEntries(variables),
    },
  };
}

/** The Pod of a script, locked down. */
function podSpec(
  spec: JobSpec,
  settings: JobSettings,
): Readonly<Record<string, unknown>> {
  const { payload, command, image, timeoutMs } = spec;
  const { user, memoryMib, processes, tmpMib } = settings;
  const name = jobName(spec);
  const seconds = Math.ceil(timeoutMs / 1000);
  const given = Object.keys(payload.env ?? {});
  const usual = { HOME: "/tmp", LANG: "C.UTF-8" };
  return {
    restartPolicy: "Never",
    // The Pod's own, as a Job's deletes it with its output.
    activeDeadlineSeconds: seconds + BACKSTOP_SECONDS,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostNetwork: false,
    hostPID: false,
    hostIPC: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user.uid,
      runAsGroup: user.gid,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [{
      name: CONTAINER,
      image,
      imagePullPolicy: pullPolicy(image),
      command: [
        "/bin/sh",
        "-c",
        ENTER,
        String(processes),
        TOLD.filter((name) => !given.includes(name)).join(" "),
        ...command,
      ],
      workingDir: "/tmp",
      env: [
        ...Object.entries(usual).filter(([key]) => !given.includes(key))
          .map(([key, value]) => ({ name: key, value })),
        ...given.map((key) => ({
          name: key,
          valueFrom: { secretKeyRef: { name, key: `env.${key}` } },
        })),
      ],
      securityContext: {
        allowPrivilegeEscalation: false,
        privileged: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
      resources: {
        limits: {
          cpu: "1",
          memory: `${memoryMib}Mi`,
          "ephemeral-storage": `${tmpMib + 16}Mi`,
        },
        requests: { cpu: "10m", memory: "16Mi", "ephemeral-storage": "1Mi" },
      },
      volumeMounts: [
        { name: "tmp", mountPath: "/tmp" },
        { name: "given", mountPath: "/run/script", readOnly: true },
        {
          name: "given",
          mountPath: "/script",
          subPath: "script",
          readOnly: true,
        },
      ],
    }],
    volumes: [
      { name: "tmp", emptyDir: { sizeLimit: `${tmpMib}Mi` } },
      {
        name: "given",
        secret: {
          secretName: name,
          defaultMode: 0o444,
          items: ["script", "stdin"].map((key) => ({ key, path: key })),
        },
      },
    ],
  };
}

/** The Job of a script: it waits until it is told to begin, and begins once. */
export function jobOf(
  spec: JobSpec,
  settings: JobSettings,
): Readonly<Record<string, unknown>> {
  const seconds = Math.ceil(spec.timeoutMs / 1000);
  const labels = { "app.kubernetes.io/managed-by": "transporter" };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: jobName(spec),
      namespace: settings.namespace,
      labels,
      annotations: { [ANNOTATIONS.event]: spec.id },
    },
    spec: {
      suspend: true,
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      podReplacementPolicy: "Failed",
      activeDeadlineSeconds: seconds + 2 * BACKSTOP_SECONDS,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: { metadata: { labels }, spec: podSpec(spec, settings) },
    },
  };
}
