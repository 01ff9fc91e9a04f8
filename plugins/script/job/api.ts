import { isRecord, TransporterError } from "@transporter/sdk";
import type { ApiClient, CallOptions } from "../../k8s_resource/client.ts";
import type { ApiStream } from "../../k8s_resource/stream.ts";
import { type Found, foundOf, type Read, readText } from "./found.ts";
import {
  ANNOTATIONS,
  CONTAINER,
  GRACE_SECONDS,
  jobName,
  jobOf,
  type JobSettings,
  type JobSpec,
  secretOf,
} from "./objects.ts";
import { type Fields, fieldsOf } from "./pod.ts";

/** How long a log may be followed before it is opened once more, in milliseconds. */
const FOLLOW_MS_MAX = 3_600_000;

/** The bounds of a call; what it is for the call itself knows. */
export type Bounds = Omit<CallOptions, "doing">;

/** Which Job is meant. */
type Which = Pick<JobSpec, "id" | "attempt">;

/** What is asked of the API server for scripts. */
export class JobApi {
  readonly #settings: JobSettings;
  readonly #client: ApiClient;

  /** Makes one; nothing is asked yet. */
  constructor(settings: JobSettings, client: ApiClient) {
    this.#settings = settings;
    this.#client = client;
  }

  /** Creates a Job that waits, and the Secret that it starts with, and lets it begin. */
  async begin(spec: JobSpec, bounds: Bounds): Promise<void> {
    const job = await this.#make(
      "batch/v1",
      "jobs",
      jobOf(spec, this.#settings),
      { ...bounds, doing: "create the Job of the script" },
    ) ?? await this.#own(spec, bounds);
    if (job === undefined) {
      throw new TransporterError(
        "conflict",
        `Cannot run the script as a Job as "${
          jobName(spec)
        }" is there already, and not of this event`,
      );
    }
    const secret = secretOf(spec, this.#settings, uidOf(job));
    await this.#make("v1", "secrets", secret, {
      ...bounds,
      doing: "create the Secret of the script",
    });
    try {
      await this.#client.call({
        method: "PATCH",
        path: this.#path("batch/v1", "jobs", jobName(spec)),
        contentType: "application/merge-patch+json",
        body: '{"spec":{"suspend":false}}',
      }, { ...bounds, doing: "begin the Job of the script" });
    } catch (error) {
      throw maybeBegun(error);
    }
  }

  /** What the Job of an attempt says; `undefined` when there is none. */
  async find(which: Which, bounds: Bounds): Promise<Found | undefined> {
    const job = await this.#own(which, bounds);
    return job && foundOf(job);
  }

  /** Notes how far the log of a Job was read, for an agent that finds it again. */
  async note(which: Which, read: Read, bounds: Bounds): Promise<void> {
    const metadata = { annotations: { [ANNOTATIONS.read]: readText(read) } };
    await this.#client.call({
      method: "PATCH",
      path: this.#path("batch/v1", "jobs", jobName(which)),
      contentType: "application/merge-patch+json",
      body: JSON.stringify({ metadata }),
    }, { ...bounds, doing: "note how far the log of the script was read" });
  }

  /** The Pod of a Job; `undefined` when there is none. */
  async pod(which: Which, bounds: Bounds): Promise<Fields | undefined> {
    const selector = `batch.kubernetes.io/job-name=${jobName(which)}`;
    const query = `labelSelector=${encodeURIComponent(selector)}`;
    const { body } = await this.#client.call(
      { method: "GET", path: `${this.#path("v1", "pods")}?${query}` },
      { ...bounds, doing: "look at the Pod of the script" },
    );
    const items = Array.isArray(body["items"]) ? body["items"] : [];
    return items.find(isRecord);
  }

  /** Follows the log of a Pod, with times. */
  async log(
    pod: string,
    since: string | undefined,
    bounds: Bounds,
  ): Promise<ApiStream> {
    const query = new URLSearchParams({
      container: CONTAINER,
      follow: "true",
      timestamps: "true",
      ...(since === undefined ? {} : { sinceTime: since }),
    });
    return await this.#client.open({
      method: "GET",
      path: `${this.#path("v1", "pods", pod)}/log?${query}`,
      accept: "*/*",
    }, {
      ...bounds,
      doing: "read the log of the script",
      lifeMs: FOLLOW_MS_MAX,
    });
  }

  /** Asks a Pod to end: SIGTERM, and SIGKILL after the grace. */
  async endPod(name: string, bounds: Bounds): Promise<void> {
    await this.#delete(this.#path("v1", "pods", name), bounds, {
      gracePeriodSeconds: GRACE_SECONDS,
    });
  }

  /** Removes a Job with its Pod and its Secret: the very one that was looked at, and no other's. */
  async remove(which: Which, bounds: Bounds): Promise<void> {
    const job = await this.#own(which, bounds);
    if (job === undefined) return;
    await this.#delete(
      this.#path("batch/v1", "jobs", jobName(which)),
      bounds,
      { propagationPolicy: "Background", preconditions: { uid: uidOf(job) } },
    );
  }

  /** Removes the Secret of a Job: it has begun, and needs it no more. */
  async forget(which: Which, bounds: Bounds): Promise<void> {
    await this.#delete(this.#path("v1", "secrets", jobName(which)), bounds, {});
  }

  async #delete(path: string, bounds: Bounds, options: object): Promise<void> {
    await this.#client.find({
      method: "DELETE",
      path,
      contentType: "application/json",
      body: JSON.stringify(options),
    }, {
      ...bounds,
      doing: "tidy up after the script",
      // Another one has its name now, which stays so.
      review: (verdict) =>
        verdict.code === "conflict"
          ? { ...verdict, transient: false }
          : verdict,
    });
  }

  /** Creates an object; nothing when it is there already, which is ours, as nobody else makes that name. */
  async #make(
    version: string,
    kind: string,
    object: Fields,
    options: CallOptions,
  ): Promise<Fields | undefined> {
    let exists = false;
    try {
      const { body } = await this.#client.call({
        method: "POST",
        path: this.#path(version, kind),
        body: JSON.stringify(object),
        contentType: "application/json",
      }, {
        ...options,
        review(verdict) {
          exists = verdict.exists ?? false;
          return exists ? { ...verdict, transient: false } : verdict;
        },
      });
      return body;
    } catch (error) {
      if (!exists) throw error;
      return undefined;
    }
  }

  /** The Job of an attempt; nothing when there is none, or one of that name that is another's. */
  async #own(which: Which, bounds: Bounds): Promise<Fields | undefined> {
    const found = await this.#client.find(
      { method: "GET", path: this.#path("batch/v1", "jobs", jobName(which)) },
      { ...bounds, doing: "find the Job of the script" },
    );
    return found && isOf(which, found.body) ? found.body : undefined;
  }

  #path(version: string, kind: string, name?: string): string {
    const group = version.includes("/")
      ? `/apis/${version}`
      : `/api/${version}`;
    const all = `${group}/namespaces/${this.#settings.namespace}/${kind}`;
    return name === undefined ? all : `${all}/${name}`;
  }
}

/** Whether a Job is one of a script of this event. */
function isOf({ id }: Which, job: Fields): boolean {
  const { annotations } = fieldsOf(job["metadata"]);
  return fieldsOf(annotations)[ANNOTATIONS.event] === id;
}

/** A Job that may have begun is not begun once more by another attempt. */
function maybeBegun(reason: unknown): unknown {
  const error = TransporterError.from(reason);
  if (error.details?.["maybe_done"] !== true) return reason;
  return new TransporterError("interrupted", error.message, { cause: reason });
}

function uidOf(object: Fields): string {
  return String(fieldsOf(object["metadata"])["uid"] ?? "");
}
