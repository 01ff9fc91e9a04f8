import { type Clock, type Logger, TransporterError } from "@transporter/sdk";
import type { ApiClient } from "../../k8s_resource/client.ts";
import { type Fields, fieldsOf, listOf } from "./pod.ts";

/** Where a Pod finds in which namespace it is, in the folder of its ServiceAccount. */
const NAMESPACE_FILE = "namespace";

/** How long the start of the agent may wait for it, in milliseconds. */
const FIRST_LOOK_MS_MAX = 5_000;

/** How long a script may wait for it, in milliseconds. */
const LOOK_MS_MAX = 30_000;

/** Names the container that a Pod is for. @see {@link https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container} */
const MAIN_CONTAINER = "kubectl.kubernetes.io/default-container";

/**
 * An image that cannot move: by the digest that a registry has, or by its own
 * where it was loaded on the node, which then never pulls it. One container
 * runtime says by what way it was got.
 */
const DIGEST_REGEXP =
  /^(?:docker(?:-pullable)?:\/\/)?((?:[^@\s]+@)?sha256:[0-9a-f]{64})$/;

/** Where what to do stands. */
const INSTEAD = "name an image with --script-image";

/** Options of {@linkcode OwnImage}. */
export interface OwnImageOptions {
  /** Speaks to the API server. */
  readonly client: ApiClient;
  /** The folder with what a Pod knows of itself. */
  readonly dir: string;
  /** The name of the agent's Pod. */
  readonly pod: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
}

/** The image that the agent runs in, by its digest. */
export class OwnImage {
  readonly #options: OwnImageOptions;
  #known: string | undefined;

  /** Made for the Pod that the agent is. */
  constructor(options: OwnImageOptions) {
    this.#options = options;
  }

  /** The image, once somebody has asked for it. */
  get known(): string | undefined {
    return this.#known;
  }

  /** Looks at the start, so that an operator reads what is wrong before any script does. */
  async begin(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    try {
      const image = await this.#look(signal, FIRST_LOOK_MS_MAX);
      log.info("Scripts run in the agent's own image", { image });
    } catch (error) {
      signal.throwIfAborted();
      log.warn("Scripts that run as Jobs have no image yet", { error });
    }
  }

  /**
   * The image; asked for until it is known, and never again: another one would
   * be another process.
   *
   * @throws {TransporterError} `denied` without the right to look at the Pod; `unsupported` where
   * that does not tell; `cluster_unavailable`.
   */
  async get(signal: AbortSignal): Promise<string> {
    return this.#known ?? await this.#look(signal, LOOK_MS_MAX);
  }

  async #look(signal: AbortSignal, limitMs: number): Promise<string> {
    const { clock } = this.#options;
    const pod = await this.#pod({ signal, until: clock.now() + limitMs });
    return this.#known = ownImageOf(pod);
  }

  async #pod(
    bounds: { readonly signal: AbortSignal; readonly until: number },
  ): Promise<Fields> {
    const { client, dir, pod } = this.#options;
    const namespace = await readNamespace(dir);
    const doing = `find the agent's own image by its Pod "${pod}"`;
    const path = `/api/v1/namespaces/${namespace}/pods/${
      encodeURIComponent(pod)
    }`;
    try {
      const found = await client.find({ method: "GET", path }, {
        ...bounds,
        doing,
      });
      if (found !== undefined) return found.body;
    } catch (reason) {
      const { code, message } = TransporterError.from(reason);
      if (code !== "denied") throw reason;
      throw new TransporterError(
        "denied",
        `${message}: apply deploy/script/jobs.yaml, which lets it look, or ${INSTEAD}`,
        { cause: reason },
      );
    }
    throw new TransporterError(
      "unsupported",
      `Cannot ${doing}, which is not in the namespace "${namespace}": say with --pod-name what it is called, or ${INSTEAD}`,
    );
  }
}

async function readNamespace(dir: string): Promise<string> {
  const path = `${dir}/${NAMESPACE_FILE}`;
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (cause) {
    throw new TransporterError(
      "unsupported",
      `Cannot find the agent's own image as "${path}" cannot be read: ${INSTEAD}`,
      { cause },
    );
  }
}

/**
 * The image of the agent in its Pod: that of the container that the Pod is for,
 * of its only one, or the one that all of them have.
 *
 * @throws {TransporterError} `unsupported` when that does not tell.
 */
export function ownImageOf(pod: Fields): string {
  const { name, annotations } = fieldsOf(pod["metadata"]);
  const main = fieldsOf(annotations)[MAIN_CONTAINER];
  const all = listOf(fieldsOf(pod["status"])["containerStatuses"]);
  const own = all.filter((each) => main === undefined || each["name"] === main);
  const ids = new Set(own.map(({ imageID }) => String(imageID ?? "")));
  const [id = ""] = ids;
  if (ids.size > 1) {
    throw new TransporterError(
      "unsupported",
      `Cannot tell which image is the agent's own as its Pod "${name}" has several: name its container by the annotation "${MAIN_CONTAINER}", or ${INSTEAD}`,
    );
  }
  const [, image] = DIGEST_REGEXP.exec(id) ?? [];
  if (image !== undefined) return image;
  throw new TransporterError(
    "unsupported",
    `Cannot use the agent's own image as the node of its Pod "${name}" does not say by what digest: ${INSTEAD}`,
  );
}
