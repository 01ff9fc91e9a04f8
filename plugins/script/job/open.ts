import { systemRng, TransporterError } from "@transporter/sdk";
import { openCluster } from "../../k8s_resource/cluster.ts";
import { SERVICE_ACCOUNT_DIR } from "../../k8s_resource/in_cluster.ts";
import { type Config, USER_OF_CLUSTER } from "../config.ts";
import { userOf } from "../confinement.ts";
import type { Payload } from "../payload.ts";
import type { Runner, Surroundings, Task, TaskContext } from "../runner.ts";
import { JobApi } from "./api.ts";
import { Isolation } from "./isolation.ts";
import { OwnImage } from "./own_image.ts";
import { checkSize, JobRunner } from "./runner.ts";

/** How far a log was read is noted every five seconds, and what was read last may have been on its way. */
const AGAIN =
  "The agent was started again while the script ran: of the five seconds of its output before that some may be there twice, and the last of it be missing";

/**
 * Opens what runs scripts as Jobs of a cluster.
 *
 * @param config What the operator allows.
 * @param surroundings Time, and where to tell.
 * @throws {TransporterError} `usage` without a cluster.
 */
export async function openJobRunner(
  config: Config,
  { clock, log, signal }: Surroundings,
): Promise<Runner> {
  const { job, user, memory_mib, processes, files, tmp_mib } = config;
  if (job === undefined) {
    throw new TransporterError(
      "usage",
      "Cannot run scripts as Jobs without a cluster",
    );
  }
  const { images, namespace, network_policy: policy } = job;
  const cluster = await openCluster(job.cluster, { clock, rng: systemRng });
  const api = new JobApi({
    namespace,
    user: user === USER_OF_CLUSTER ? undefined : userOf(user),
    runtimeClass: job.runtime_class,
    pullSecrets: job.pull_secrets,
    memoryMib: memory_mib,
    processes,
    files,
    tmpMib: tmp_mib,
  }, cluster.client);
  const runner = new JobRunner(api, clock);
  log.info("Scripts run as Jobs", { namespace, images });
  const own = new OwnImage({
    client: cluster.client,
    dir: job.cluster.service_account_dir ?? SERVICE_ACCOUNT_DIR,
    pod: job.pod_name ?? Deno.hostname(),
    ...{ clock, log },
  });
  if (images.length === 0) await own.begin(signal);
  /** The images that may be used, the usual one first. */
  const allowed = async (signal: AbortSignal) =>
    images.length > 0 ? images : [await own.get(signal)];
  const isolation = new Isolation({
    image: async (signal) => (await allowed(signal))[0] ?? "",
    ...{ runner, namespace, policy, clock, log },
  });
  isolation.begin();

  function specOf(task: Task, context: TaskContext) {
    const { idempotencyKey: id, attempt } = context;
    const usual = images[0] ?? own.known ?? ""; // asked for when the payload was looked at
    const image = task.payload.image ?? usual;
    // The same image has the same program at the same place.
    const hasDeno = image === own.known && !Deno.build.standalone;
    const shim = hasDeno ? Deno.execPath() : undefined;
    return { id, attempt, image, shim, ...task };
  }

  return {
    async accept(payload, { name, path, sha256 }, signal) {
      checkImage(payload, await allowed(signal));
      checkSize({ payload });
      if (sha256 === undefined) return path;
      throw new TransporterError(
        "denied",
        `Cannot run a script with "${name}" as a Job: this agent allows one program of its own machine, by its digest`,
      );
    },
    async run(task, context) {
      const { warnings, ...terms } = await isolation.terms(context.signal);
      const spec = { ...specOf(task, context), ...terms, warnings };
      const end = await runner.run(spec, context);
      return { ...end, warnings: [...warnings, ...end.warnings ?? []] };
    },
    async recover(task, context) {
      const end = await runner.recover(specOf(task, context), context);
      return end && { ...end, warnings: [AGAIN, ...end.warnings ?? []] };
    },
    acknowledged: ({ idempotencyKey: id, attempt, signal }) =>
      runner.release({ id, attempt }, signal),
    async [Symbol.asyncDispose]() {
      await isolation[Symbol.asyncDispose]();
      cluster[Symbol.dispose]();
    },
  };
}

function checkImage({ image }: Payload, images: readonly string[]): void {
  if (image === undefined || images.includes(image)) return;
  throw new TransporterError(
    "denied",
    `Cannot run a script in the image "${image}": this agent allows ${
      images.map((each) => `"${each}"`).join(", ")
    }`,
  );
}
