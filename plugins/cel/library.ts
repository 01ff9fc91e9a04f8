import { conversions } from "./lib_conversion.ts";
import { core } from "./lib_core.ts";
import { formats } from "./lib_format.ts";
import { lists } from "./lib_list.ts";
import { networks } from "./lib_network.ts";
import { quantities } from "./lib_quantity.ts";
import { versions } from "./lib_semver.ts";
import { texts } from "./lib_string.ts";
import { times } from "./lib_time.ts";
import { urls } from "./lib_url.ts";
import type { Overload } from "./overload.ts";

/** Every function, as Kubernetes 1.36 has them. */
export const OVERLOADS: ReadonlyMap<string, readonly Overload[]> = Map.groupBy(
  [
    ...[core, conversions, texts, lists, times],
    ...[quantities, urls, networks, versions, formats],
  ].flat(),
  ({ name }) => name,
);
