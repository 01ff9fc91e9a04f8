/**
 * What the tests of ApplySets have in common.
 *
 * @module
 */

import { FaultProxy } from "../fault_proxy.ts";
import {
  openPlace,
  openPlugin,
  type Place,
  proxied,
  read,
  type Run,
  runEvent,
  type RunOptions,
} from "./k8s_resource.ts";

/** The prefix of the names of the KEP. */
export const KEP = "applyset.kubernetes.io";
/** The label of members. */
export const PART_OF = `${KEP}/part-of`;

/** What is read back of an object. */
export interface Live {
  /** Its metadata. */
  readonly metadata: {
    readonly uid: string;
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** A place, and a second executor, whose requests go through a proxy. */
export async function openBehindProxy() {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openPlace());
  const { kube, namespace } = place;
  const proxy = stack.use(
    await FaultProxy.open({ server: kube.server, caPem: kube.address.caPem }),
  );
  const { config } = stack.use(await proxied(proxy, kube, { namespace }));
  const behind = stack.use(await openPlugin(config));
  const all = stack.move();
  return {
    place,
    proxy,
    config,
    /** The executor behind the proxy, in the same namespace. */
    behind: { ...place, executor: behind },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Applies these for a set, "web" unless the payload says otherwise. */
export function send(
  { executor }: Pick<Place, "executor">,
  manifests: readonly string[],
  payload: Readonly<Record<string, unknown>> = {},
  options: RunOptions = {},
): Promise<Run> {
  const all = { apply_set: "web", ...payload };
  return runEvent(executor, manifests, { ...options, payload: all });
}

/** The objects of a list. */
export async function listed({ kube }: Place, path: string): Promise<Live[]> {
  const { items } = await read<{ items: Live[] }>(kube, path);
  return items.filter(({ metadata }) => metadata.name !== "kube-root-ca.crt");
}

/** The names of the ConfigMaps of a namespace that tests have made. */
export async function maps(place: Place): Promise<string[]> {
  const path = `/api/v1/namespaces/${place.namespace}/configmaps`;
  return (await listed(place, path)).map(({ metadata }) => metadata.name);
}

/** The kinds that the account of the set "web" has. */
export async function kinds({ kube, namespace }: Place): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/secrets/web`;
  const { metadata } = await read<Live>(kube, path);
  return metadata.annotations?.[`${KEP}/contains-group-kinds`] ?? "";
}
