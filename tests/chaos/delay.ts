import { systemClock } from "@transporter/sdk";

/** Waits, or until the signal aborts; never rejects. */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0) return;
  await systemClock.sleep(ms, signal === undefined ? {} : { signal })
    .catch(() => {}); // aborted: nobody waits any more
}
