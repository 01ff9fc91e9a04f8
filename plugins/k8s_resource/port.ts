/**
 * What other plugins may use of this one: its reader of manifests, and its way
 * to a cluster. Nothing else in here is for them.
 *
 * @module
 */
import { isRecord } from "@transporter/sdk";
import { checkManifests } from "./bundle.ts";
import type { Place } from "./manifest.ts";
import { readYaml } from "./yaml_document.ts";

export type { Cluster } from "./cluster.ts";
export { openCluster } from "./cluster.ts";
export type { Config as ClusterConfig } from "./config.ts";
export type { Fields, Gate, Write } from "./gate.ts";
export type { KindIndex, KindPlace } from "./kind_index.ts";
export { apiVersionOf } from "./kind_index.ts";
export { describePlace } from "./manifest.ts";
export { LongAnswer } from "./no_answer.ts";
export { Recent } from "./recent.ts";
export { builtInPlace } from "./rights/kinds.ts";

/** An object of a manifest. */
export interface ReadObject {
  /** The API group; empty for the core group. */
  readonly group: string;
  /** The version alone. */
  readonly version: string;
  /** The kind. */
  readonly kind: string;
  /** The namespace; empty when it names none. */
  readonly namespace: string;
  /** The name; empty when the server makes one up. */
  readonly name: string;
  /** Where it stands. */
  readonly place: Place;
  /** The object, as the API server would read it. */
  readonly value: Readonly<Record<string, unknown>>;
  /** The kind that it makes known, when it is a CustomResourceDefinition. */
  readonly declares:
    | {
      readonly group: string;
      readonly kind: string;
      readonly resource: string;
      readonly namespaced: boolean;
    }
    | undefined;
}

/**
 * Reads the objects of manifests, in their order.
 *
 * @throws {TransporterError} `invalid_yaml`, `invalid_manifest` or `unsupported`, naming manifest, document and line.
 */
export async function readObjects(
  manifests: readonly unknown[],
): Promise<ReadObject[]> {
  const objects = await checkManifests(manifests);
  return objects.map((object) => {
    const { value } = readYaml(object.body);
    const { group, version, kind, namespace, name, place, declares } = object;
    return {
      ...{ group, version, kind, namespace, name, place, declares },
      value: isRecord(value) ? value : {},
    };
  });
}
