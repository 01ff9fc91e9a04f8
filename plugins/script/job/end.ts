import { formatDuration, TransporterError } from "@transporter/sdk";
import type { ProcessEnd } from "../process.ts";
import { outOfTime } from "../result.ts";
import type { Log } from "./log.ts";
import type { JobSpec } from "./objects.ts";
import { type Ended, ranFor } from "./pod.ts";

/** By how much the times of a Pod may be wrong, which are whole seconds, in milliseconds. */
const BLUR_MS = 2000;

/** How the script of a Job ended. */
export type JobEnd = ProcessEnd & {
  /** When, in milliseconds since 1970; absent: nobody knows. */
  readonly endedAt?: number;
};

/** How a script ended, by what its Pod says. */
export function jobEnd(
  { timeoutMs }: JobSpec,
  ended: Ended,
  { signal, known }: {
    readonly signal: AbortSignal;
    readonly known: ReturnType<Log["end"]>;
  },
): JobEnd {
  const { code, reason, until } = ended;
  const end = {
    begun: true,
    code,
    reason,
    ...known,
    ...(until === undefined ? {} : { endedAt: until }),
  };
  if (signal.aborted) return { ...end, stopped: signal.reason };
  // The cluster did what the agent was not there to do.
  if (reason === "DeadlineExceeded") {
    return { ...end, stopped: outOfTime(timeoutMs) };
  }
  const ranMs = ranFor(ended, 0);
  if (ranMs < timeoutMs + BLUR_MS) return end;
  const late = `The script ran for ${formatDuration(ranMs * 1e6)}, where ${
    formatDuration(timeoutMs * 1e6)
  } are allowed: nothing stopped it while the agent was away`;
  return { ...end, warnings: [...known.warnings ?? [], late] };
}

/** Once a script may have begun, what goes wrong around it must not lead to another attempt by itself. */
export function afterBegin(reason: unknown): unknown {
  const error = TransporterError.from(reason);
  return error.code === "failed" || error.code === "interrupted"
    ? reason
    : new TransporterError("interrupted", error.message, { cause: reason });
}

/** What a script ends with of which nobody knows how it did. */
export function lost({ why }: { readonly why: string }): TransporterError {
  return new TransporterError(
    "interrupted",
    `The Pod of the script ended before anybody knew how the script did: ${why}`,
  );
}
