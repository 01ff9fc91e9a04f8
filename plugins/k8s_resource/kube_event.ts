import { createHash } from "node:crypto";
import type { ExecutorContext } from "@transporter/sdk";
import { isSecret } from "./is_secret.ts";
import type { Options } from "./event_options.ts";
import type { PlannedObject } from "./plan.ts";
import type { How } from "./progress.ts";
import type { ObjectResult } from "./result.ts";

/** Who says it, and the annotations of what is said. */
export const NAMES = {
  controller: "transporter/agent",
  event: "transporter/event-id",
  digest: "transporter/digest",
} as const;

/** Where Events are about objects that have no namespace. */
const NAMESPACE_OF_CLUSTER = "default";

/** Bounds of the API: bytes of a note, and characters of an instance. @see {@link https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/} */
const NOTE_BYTES_MAX = 1024;
const INSTANCE_CHARS_MAX = 128;

/** Changed fields that a note names. */
const FIELDS_MAX = 5;

/** Names of objects that can be names of Events; some kinds allow more. */
const NAME_REGEXP =
  /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** Characters of a name that stay before its hash. */
const NAME_CHARS_MAX = 200;

/** What an event has done to an object. */
export interface Deed {
  /** The object. */
  readonly object: PlannedObject;
  /** What became of it: `created`, `configured` or `deleted`. */
  readonly result: ObjectResult;
  /** What was special about it. */
  readonly how?: How | undefined;
  /** The event that did it. */
  readonly context: Pick<ExecutorContext, "idempotencyKey">;
  /** Its options. */
  readonly options: Options;
}

/** An Event of Kubernetes, ready to be sent. */
export interface KubeEvent {
  /** Where it goes. */
  readonly namespace: string;
  /** It, as JSON. */
  readonly body: string;
}

const ACTIONS: Readonly<Record<string, string>> = {
  Replaced: "Replace",
  Healed: "Heal",
  Pruned: "Prune",
  Deleted: "Delete",
};

/** The digest of an object's manifest as it is sent: `sha256:` and 64 hexadecimal digits. */
export function manifestDigest(
  { body, unpinned = body }: PlannedObject,
): string {
  return `sha256:${createHash("sha256").update(unpinned).digest("hex")}`;
}

function reasonOf({ how, result: { status } }: Deed): string {
  const word = how ?? status;
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Which fields an apply changed, as a remark in brackets. The keys of a Secret are not for everybody who may read Events. */
function fieldsOf({ object, result }: Deed): string {
  const { changed_fields: fields = [] } = result;
  if (fields.length === 0 || isSecret(object)) return "";
  const more = fields.length - FIELDS_MAX;
  const named = fields.slice(0, FIELDS_MAX).join(", ");
  return ` (${named}${more > 0 ? `, and ${more} more` : ""})`;
}

function short(text: string, bytesMax: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= bytesMax) return text;
  // A character that is cut in the middle is left out.
  const cut = new TextDecoder().decode(bytes.subarray(0, bytesMax - 3));
  return `${cut.replace(/\uFFFD$/, "")}…`;
}

/** The digest of the manifest; `undefined` when only its names counted. */
function digestIn({ object, options, result, how }: Deed): string | undefined {
  return options.operation === "apply" && result.status !== "deleted" &&
      how !== "pruned"
    ? manifestDigest(object)
    : undefined;
}

function noteOf(
  deed: Deed,
  { reason, agent, digest }: {
    readonly reason: string;
    readonly agent: string | undefined;
    readonly digest: string | undefined;
  },
): string {
  const { context, options } = deed;
  const where = agent === undefined ? "" : ` at the agent "${agent}"`;
  const as = options.as === undefined
    ? ""
    : `, as the ServiceAccount "${options.as.service_account}"`;
  const from = digest === undefined ? "" : `, from the manifest ${digest}`;
  return `${reason} by the Transporter event "${context.idempotencyKey}"${where}${as}${from}${
    fieldsOf(deed)
  }`;
}

/** The same for the same deed, so that a write whose answer was lost is not done twice. */
function nameOf({ object, result, context }: Deed, reason: string): string {
  const { uid, resource_version: version } = result;
  const { name } = object;
  const hash = createHash("sha256")
    .update(JSON.stringify([context.idempotencyKey, reason, uid, version]))
    .digest("hex").slice(0, 16);
  const isPossible = name.length <= NAME_CHARS_MAX && NAME_REGEXP.test(name);
  return `${isPossible ? name : "transporter"}.${hash}`;
}

/**
 * The Event that says in the cluster who has changed an object. Pure.
 *
 * @param deed What was done.
 * @param from The agent's id, where it is known, and the time, in milliseconds since 1970.
 * @see {@link https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/}
 */
export function kubeEventOf(
  deed: Deed,
  { agent, now }: { readonly agent: string | undefined; readonly now: number },
): KubeEvent {
  const { object, result, context } = deed;
  const reason = reasonOf(deed);
  const digest = digestIn(deed);
  const namespace = object.namespace || NAMESPACE_OF_CLUSTER;
  const isPatch = deed.options.operation === "patch";
  return {
    namespace,
    body: JSON.stringify({
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: {
        name: nameOf(deed, reason),
        namespace,
        annotations: {
          [NAMES.event]: context.idempotencyKey,
          ...(digest === undefined ? {} : { [NAMES.digest]: digest }),
        },
      },
      eventTime: new Date(now).toISOString().replace("Z", "000Z"), // microseconds are needed
      reportingController: NAMES.controller,
      reportingInstance: (agent ?? NAMES.controller).slice(
        0,
        INSTANCE_CHARS_MAX,
      ),
      action: ACTIONS[reason] ?? (isPatch ? "Patch" : "Apply"),
      reason,
      type: "Normal",
      regarding: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        ...(object.namespace === "" ? {} : { namespace: object.namespace }),
        name: object.name,
        uid: result.uid,
        resourceVersion: result.resource_version,
      },
      note: short(noteOf(deed, { reason, agent, digest }), NOTE_BYTES_MAX),
    }),
  };
}
