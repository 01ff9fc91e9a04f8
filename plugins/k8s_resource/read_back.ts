import {
  parse,
  type ResourceStatus,
  systemClock,
  systemRng,
} from "@transporter/sdk";
import { openCluster } from "./cluster.ts";
import { configSchema } from "./config.ts";
import { pathOf } from "./plan.ts";

/** How long all of it may take, in milliseconds. */
const READ_MS_MAX = 30_000;

/**
 * Reads objects from a cluster, apart from whatever executor made them: for
 * showing that what was reported is what is there.
 *
 * @param config Which cluster, as the plugin is configured.
 * @param objects The objects, as a result names them.
 * @param signal Gives up.
 * @returns Each object as the API server has it, in the same order; `undefined` for one that is not there.
 * @throws {TransporterError} `cluster_unavailable`, `denied`, `no_cluster` or `invalid`.
 */
export async function readBack(
  config: Readonly<Record<string, unknown>>,
  objects: readonly ResourceStatus[],
  signal: AbortSignal,
): Promise<readonly (Readonly<Record<string, unknown>> | undefined)[]> {
  using cluster = await openCluster(await parse(configSchema, config), {
    clock: systemClock,
    rng: systemRng,
  });
  const { client, discovery, clock } = cluster;
  const limits = { signal, until: clock.now() + READ_MS_MAX };
  const index = await discovery.index(limits);
  return await Promise.all(
    objects.map(async ({ api_version, kind, namespace, name }) => {
      const [version = "", group = ""] = api_version.split("/").reverse();
      const place = index.find({ group, version }, kind);
      if (place === undefined) return undefined;
      const path = pathOf({ group, version, namespace, name }, place);
      const found = await client.find({ method: "GET", path }, {
        ...limits,
        doing: `read ${kind} "${name}"`,
      });
      return found?.body;
    }),
  );
}
