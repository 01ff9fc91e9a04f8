/**
 * Runs an API server until Ctrl-C, for work by hand: see README.md.
 *
 * @module
 */

import { startLocalKube, userCacheDir } from "./mod.ts";

if (import.meta.main) {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => interrupted.abort());
  }
  const assets = Deno.env.get("KUBEBUILDER_ASSETS");
  await using kube = await startLocalKube({
    cacheDir: userCacheDir((name) => Deno.env.get(name)),
    signal: interrupted.signal,
    ...(assets ? { assets } : {}),
  });
  await write(Deno.stdout, `export KUBECONFIG=${kube.kubeconfig}\n`);
  await write(Deno.stderr, `Serving on ${kube.server}; Ctrl-C ends it\n`);
  await new Promise((resolve) => {
    interrupted.signal.addEventListener("abort", resolve);
    if (interrupted.signal.aborted) resolve(undefined);
  });
}

async function write(
  to: { readonly writable: WritableStream<Uint8Array> },
  text: string,
): Promise<void> {
  const writer = to.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}
