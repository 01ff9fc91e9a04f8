/**
 * Runs an API server until Ctrl-C, for work by hand: see README.md.
 *
 * @module
 */

import { startLocalKube, userCacheDir } from "./mod.ts";

/** Starts one, says where it is, and ends it when the signal does; before that is never too early. */
async function serve(signal: AbortSignal): Promise<void> {
  const assets = Deno.env.get("KUBEBUILDER_ASSETS");
  await using kube = await startLocalKube({
    cacheDir: userCacheDir((name) => Deno.env.get(name)),
    signal,
    ...(assets ? { assets } : {}),
  });
  await say(Deno.stdout, `export KUBECONFIG=${kube.kubeconfig}`);
  await say(Deno.stderr, `Serving on ${kube.server}, Ctrl-C ends it`);
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve());
    if (signal.aborted) resolve();
  });
}

async function say(
  to: { readonly writable: WritableStream<Uint8Array> },
  line: string,
): Promise<void> {
  const writer = to.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${line}\n`));
  writer.releaseLock();
}

if (import.meta.main) {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => interrupted.abort());
  }
  try {
    await serve(interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
  }
}
