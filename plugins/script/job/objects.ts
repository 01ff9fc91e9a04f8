import { createHash } from "node:crypto";
import { type Payload, valueOf } from "../payload.ts";
import { entering, GIVEN } from "./enter.ts";
import {
  SHIM_KEY,
  SHIM_MIB,
  SHIM_PROCESSES,
  SHIM_TEXT,
  shimCommand,
} from "./shim.ts";

/**
 * The annotations of a Job: which event it is of, whether its log is that of the
 * shim, how far that was read, and what people should know of how it is run.
 */
export const ANNOTATIONS = {
  event: "transporter/event-id",
  framed: "transporter/framed",
  read: "transporter/read",
  warnings: "transporter/warnings",
} as const;

/** What the container of a script is called. */
export const CONTAINER = "script";

/** Seconds that a Pod may take until its script begins: to find a node, and to pull the image. */
export const START_SECONDS_MAX = 120;

/**
 * Seconds after all the time that a Pod may have at which the cluster ends it,
 * should the agent be gone.
 */
const BACKSTOP_SECONDS = 60;

/**
 * Seconds after its end at which the cluster removes a Job that no agent has
 * removed: as long as an event is of use to anybody unless it says otherwise.
 */
export const KEPT_SECONDS = 86_400;

/** Seconds that a script has to end by itself after SIGTERM. */
export const GRACE_SECONDS = 5;

/** MiB of the log of a Pod on its node, which keeps five pieces of ten and looks every ten seconds. */
const LOG_MIB = 512;

/** How scripts run in a cluster, by what the operator allows. */
export interface JobSettings {
  /** The namespace of the Jobs. */
  readonly namespace: string;
  /** Who a script runs as; `undefined`: whom the cluster chooses. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** The RuntimeClass of the Pods, such as gVisor's. */
  readonly runtimeClass?: string | undefined;
  /** The Secrets that the images are pulled with. */
  readonly pullSecrets: readonly string[];
  /** Memory of the container, in MiB. */
  readonly memoryMib: number;
  /** Processes of the container. */
  readonly processes: number;
  /** Open files of one process. */
  readonly files: number;
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
  /** How long it may run, in milliseconds, from when it begins. */
  readonly timeoutMs: number;
  /** What people should know of how it is run. */
  readonly warnings?: readonly string[];
  /** Whether its Pod has users of its own. */
  readonly ownUsers?: boolean;
  /** Whether it waits until it is kept from the network. */
  readonly held?: boolean;
  /** Whether it is told where the API server is. */
  readonly told?: boolean;
  /** Where the image has Deno for the shim that tells the streams of a script apart; absent: there is none. */
  readonly shim?: string | undefined;
}

/** The name of the Job of an attempt: the same each time, so that it is begun once. */
export function jobName(
  { id, attempt }: Pick<JobSpec, "id" | "attempt">,
): string {
  const hash = createHash("sha256").update(`${id}\0${attempt}`).digest("hex");
  return `script-${hash.slice(0, 32)}`;
}

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
      ...(spec.shim === undefined ? {} : { [SHIM_KEY]: SHIM_TEXT }),
      ...Object.fromEntries(variables),
    },
  };
}

/** Seconds that a Pod may have: a deadline of Kubernetes begins before the image is pulled. */
function secondsOf({ timeoutMs }: JobSpec): number {
  return START_SECONDS_MAX + Math.ceil(timeoutMs / 1000);
}

/** The Pod of a script, locked down. */
function podSpec(
  spec: JobSpec,
  settings: JobSettings,
): Readonly<Record<string, unknown>> {
  const { payload, command, image } = spec;
  const { held = false, told = false, ownUsers = false } = spec;
  const { user, memoryMib, processes, files, tmpMib } = settings;
  const { runtimeClass, pullSecrets } = settings;
  const name = jobName(spec);
  const given = Object.keys(payload.env ?? {});
  const { shim } = spec;
  const [own, ownMib] = shim === undefined
    ? [0, 0]
    : [SHIM_PROCESSES, SHIM_MIB];
  const keys = ["script", "stdin", ...(shim === undefined ? [] : [SHIM_KEY])];
  const usual = { HOME: "/tmp", LANG: "C.UTF-8" };
  return {
    restartPolicy: "Never",
    // The Pod's own, as a Job's deletes it with its output.
    activeDeadlineSeconds: secondsOf(spec) + BACKSTOP_SECONDS,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostNetwork: false,
    hostPID: false,
    hostIPC: false,
    ...(ownUsers ? { hostUsers: false } : {}),
    ...(runtimeClass === undefined ? {} : { runtimeClassName: runtimeClass }),
    imagePullSecrets: pullSecrets.map((name) => ({ name })),
    securityContext: {
      runAsNonRoot: true,
      // Without one the cluster chooses (OpenShift).
      ...(user && { runAsUser: user.uid, runAsGroup: user.gid }),
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [{
      name: CONTAINER,
      image,
      imagePullPolicy: pullPolicy(image),
      command: [
        ...(shim === undefined ? [] : shimCommand(shim)),
        ...entering({
          ...{ processes: processes + own, files, given, held, told },
        }),
        ...command,
      ],
      workingDir: "/tmp",
      env: [
        ...Object.entries(usual).filter(([key]) => !given.includes(key))
          .map(([key, value]) => ({ name: key, value })),
        // By another name, so that none of them does anything before the script begins.
        ...given.map((key) => ({
          name: `${GIVEN}${key}`,
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
          memory: `${memoryMib + ownMib}Mi`,
          "ephemeral-storage": `${LOG_MIB}Mi`,
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
      // In memory, which is the Pod's: on a disk its size would hold a while later only.
      {
        name: "tmp",
        emptyDir: { medium: "Memory", sizeLimit: `${tmpMib}Mi` },
      },
      {
        name: "given",
        secret: {
          secretName: name,
          defaultMode: 0o444,
          items: keys.map((key) => ({ key, path: key })),
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
  const labels = { "app.kubernetes.io/managed-by": "transporter" };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: jobName(spec),
      namespace: settings.namespace,
      labels,
      annotations: {
        [ANNOTATIONS.event]: spec.id,
        [ANNOTATIONS.framed]: String(spec.shim !== undefined),
        [ANNOTATIONS.warnings]: JSON.stringify(spec.warnings ?? []),
      },
    },
    spec: {
      suspend: true,
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      podReplacementPolicy: "Failed",
      activeDeadlineSeconds: secondsOf(spec) + 2 * BACKSTOP_SECONDS,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: { metadata: { labels }, spec: podSpec(spec, settings) },
    },
  };
}
