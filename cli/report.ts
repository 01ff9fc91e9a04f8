import { TransporterError } from "@transporter/sdk";
import { encode } from "./encode.ts";
import type { Output } from "./host.ts";
import type { Paint } from "./paint.ts";
import { safe, safeLines } from "./text.ts";

/** How an error is shown. */
export interface ReportOptions {
  /** Where it goes. */
  readonly stderr: Output;
  /** Colour. */
  readonly paint: Paint;
  /** Whether its details and causes are shown too. */
  readonly verbose: boolean;
}

/** Facts that only the program itself uses. */
const INTERNAL: ReadonlySet<string> = new Set([
  "final",
  "maybe_done",
  "retry_after_ms",
]);

function* causes(error: Error): Generator<string> {
  for (
    let cause = error.cause;
    cause !== undefined && cause !== null;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    yield cause instanceof TransporterError
      ? `${cause.code}: ${cause.message}`
      : cause instanceof Error
      ? `${cause.name}: ${cause.message}`
      : String(cause);
  }
}

/**
 * Shows an error: one sentence, and with `verbose` what is known besides.
 *
 * @param reason What was thrown.
 * @param options Where and how.
 * @returns The exit code.
 */
export function report(reason: unknown, options: ReportOptions): number {
  const { stderr, paint, verbose } = options;
  const error = TransporterError.from(reason);
  stderr.write(
    `${paint(`error[${error.code}]:`, "bad")} ${safe(error.message)}\n`,
  );
  if (!verbose) return error.exit;
  const details = Object.entries(error.details ?? {})
    .filter(([key]) => !INTERNAL.has(key));
  if (details.length > 0) {
    const text = encode(Object.fromEntries(details), "yaml").trimEnd();
    stderr.write(`  details:\n${text.replace(/^/gm, "    ")}\n`);
  }
  for (const cause of causes(error)) {
    stderr.write(`  caused by: ${safe(cause)}\n`);
  }
  if (error.code === "internal" && error.cause instanceof Error) {
    for (const line of safeLines(error.cause.stack ?? "")) {
      stderr.write(`    ${line}\n`);
    }
  }
  return error.exit;
}
