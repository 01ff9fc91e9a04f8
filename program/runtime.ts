import {
  jsonLogger,
  type Logger,
  type LogLevel,
  systemClock,
} from "@transporter/sdk";

/** What the starters need of the process they run in. */
export interface Runtime {
  /** The environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborts when the process is asked to end: drain, then return. */
  readonly signal: AbortSignal;
  /** Writes to standard output: results. */
  readonly print: (text: string) => void;
  /** Writes to standard error: progress, warnings, logs. */
  readonly note: (text: string) => void;
  /** Whether a person reads standard output. */
  readonly isTerminal: boolean;
}

/** The log of a part of the system: JSON lines on standard error. */
export function logTo(runtime: Runtime, level: LogLevel): Logger {
  return jsonLogger({
    write: (line) => runtime.note(`${line}\n`),
    clock: systemClock,
    level,
  });
}

/** Resolves when the signal aborts, or has. */
export async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (!signal.aborted) await promise;
}
