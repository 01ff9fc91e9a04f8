import type { Rights, RightsRequest } from "@transporter/cli";
import { systemClock, systemRng } from "@transporter/sdk";
import { defaultKubeconfig } from "./cluster.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Finds the least rights with which an agent can apply manifests.
 *
 * @throws {TransporterError} What is wrong with the manifests, or with the cluster that is asked.
 */
export async function findRights(
  request: RightsRequest,
  { env, signal }: Runtime,
): Promise<Rights> {
  const { kubeconfig, kubeContext, ...rest } = request;
  const { generateRights } = await import("@transporter/plugins/rights");
  const isAsked = kubeconfig !== undefined || kubeContext !== undefined;
  return await generateRights({
    ...rest,
    cluster: isAsked
      ? {
        kubeconfig: kubeconfig ?? defaultKubeconfig(env),
        context: kubeContext,
      }
      : undefined,
  }, { clock: systemClock, rng: systemRng, signal });
}
