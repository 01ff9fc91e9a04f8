import type {
  IdentityRequest,
  IdentityRights,
  Rights,
  RightsRequest,
} from "@transporter/cli";
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

/**
 * Asks a cluster what an identity may do.
 *
 * @throws {TransporterError} What is wrong with the cluster, or with acting as the ServiceAccount.
 */
export async function rightsOf(
  { kubeconfig, kubeContext, account, namespace }: IdentityRequest,
  { env, signal }: Runtime,
): Promise<IdentityRights> {
  const { effectiveRights } = await import("@transporter/plugins/rights");
  return await effectiveRights({
    account,
    namespace,
    cluster: {
      kubeconfig: kubeconfig ?? defaultKubeconfig(env),
      context: kubeContext,
    },
  }, { clock: systemClock, rng: systemRng, signal });
}
