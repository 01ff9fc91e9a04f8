/**
 * A real Kubernetes API server on this machine, for the demo and for tests:
 * etcd, kube-apiserver and kube-controller-manager, without root, a kubelet or
 * network namespaces. Nothing becomes ready in it by itself, as nothing runs
 * Pods. It ends with the program that started it.
 *
 * ```ts ignore
 * await using kube = await startLocalKube({ cacheDir: "/home/ann/.cache" });
 * const response = await kube.fetch("/version");
 * ```
 *
 * @module
 */

export { userCacheDir } from "./build.ts";
export {
  LocalKube,
  type LocalKubeAddress,
  type ServiceAccountOptions,
} from "./local_kube.ts";
export type { ProgressOutput } from "./progress.ts";
export { type LocalKubeOptions, startLocalKube } from "./start.ts";
