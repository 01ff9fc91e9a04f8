import { type Clock, TransporterError } from "@transporter/sdk";
import type { ApiClient } from "./client.ts";
import { recordOf } from "./ready_parts.ts";

/** The namespace that every cluster has from its first start to its end. */
const NAMESPACE = "kube-system";

/** How long a server that is away is tried, in milliseconds. */
const TRY_MS = 3_000;

/**
 * What tells a cluster from every other one, also from a copy of it that was
 * set up anew: the uid of its namespace `kube-system`.
 *
 * @throws {TransporterError} `denied` without the right to get that namespace, `not_found` where there is
 * none, else as `ApiClient.call`.
 * @see {@link https://github.com/kubernetes/kubernetes/issues/77487}
 */
export async function clusterUid(
  { client, clock }: { readonly client: ApiClient; readonly clock: Clock },
  signal: AbortSignal,
): Promise<string> {
  const { body } = await client.call({
    method: "GET",
    path: `/api/v1/namespaces/${NAMESPACE}`,
  }, {
    doing: "see which cluster this is",
    signal,
    until: clock.now() + TRY_MS,
  });
  const { uid } = recordOf(body.metadata);
  if (typeof uid === "string" && uid !== "") return uid;
  throw new TransporterError(
    "not_found",
    `Cannot see which cluster this is: the namespace "${NAMESPACE}" has no uid`,
  );
}
