import { formatDuration, TransporterError } from "@transporter/sdk";
import { constants } from "node:os";
import type { Usage } from "./job/frames.ts";
import type { ProcessEnd } from "./process.ts";

/** Bytes of output that are kept, its beginning and its end. */
const KEPT_BYTES_MAX = 2 * 1024 * 1024;

/** Characters of standard error in a sentence. */
const LINE_CHARS_MAX = 200;

/** How a script ended. */
export interface ScriptResult extends Partial<Usage> {
  /** Its exit code; 128 and the number of the signal if one ended it. */
  readonly exit_code: number;
  /** The signal that ended it, by what its exit code says; absent: none did. */
  readonly signal?: string;
  /** Bytes that it wrote to standard output. */
  readonly stdout_bytes: number;
  /** Bytes that it wrote to standard error. */
  readonly stderr_bytes: number;
  /** Whether that is more than is kept: its beginning and its end are. */
  readonly output_truncated: boolean;
  /** How long it took, in nanoseconds, where an earlier process of the agent began it. */
  readonly duration?: number;
  /** What people should know. */
  readonly warnings?: readonly string[];
}

/** What a cluster says of any script that ended. */
const USUAL: ReadonlySet<string> = new Set(["", "Completed", "Error"]);

/** The signal that an exit code stands for. */
function signalOf(code: number): string | undefined {
  return Object.entries(constants.signals)
    .find(([, number]) => number === code - 128)?.[0];
}

/** What a script is stopped for that had all the time it may have, in milliseconds. */
export function outOfTime(timeoutMs: number): TransporterError {
  return new TransporterError(
    "timeout",
    `The script did not end within ${
      formatDuration(timeoutMs * 1e6)
    }, and was stopped`,
  );
}

/**
 * What became of a script.
 *
 * @param end How its process ended.
 * @throws {TransporterError} `failed` unless it ended well, with the result in `details.result`;
 * `unavailable` when it never began; what it was stopped for.
 */
export function resultOf(end: ProcessEnd): ScriptResult {
  const { code, bytes, lastLine, begun, reason = "", warnings = [] } = end;
  const { usage, tookMs } = end;
  const ended = signalOf(code);
  const result: ScriptResult = {
    exit_code: code,
    ...(ended === undefined ? {} : { signal: ended }),
    stdout_bytes: bytes.stdout,
    stderr_bytes: bytes.stderr,
    output_truncated: bytes.stdout + bytes.stderr > KEPT_BYTES_MAX,
    ...usage,
    ...(tookMs === undefined ? {} : { duration: Math.round(tookMs * 1e6) }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  if (end.stopped !== undefined) throw stopped(end.stopped, result);
  const said = lastLine === ""
    ? ""
    : `, and said ${JSON.stringify(lastLine.slice(0, LINE_CHARS_MAX))}`;
  if (!begun) {
    throw new TransporterError(
      "unavailable",
      `Cannot run the script as it could not be confined: that ended with exit code ${code}${said}`,
    );
  }
  if (code === 0) return result;
  const by = USUAL.has(reason) ? "" : ` (${reason})`;
  const how = (ended === undefined ? `exit code ${code}` : `signal ${ended}`) +
    by;
  throw new TransporterError(
    "failed",
    `The script ended with ${how}${said}`,
    {
      details: {
        exit_code: code,
        ...(ended === undefined ? {} : { signal: ended }),
        result,
      },
    },
  );
}

/** Why it was stopped, and how far it was. */
function stopped(reason: unknown, result: ScriptResult): TransporterError {
  const { code, message, details } = TransporterError.from(reason);
  return new TransporterError(code, message, {
    cause: reason,
    details: { ...details, result },
  });
}
