import {
  parseJson,
  type ProblemBody,
  TransporterError,
} from "@transporter/sdk";
import type { AcceptedBody } from "@transporter/sdk";
import { EVENT_BYTES_MAX } from "../intake.ts";
import { PRINCIPAL } from "./principal.ts";
import type { Services } from "./services.ts";
import { acceptedBody } from "./view.ts";

/** Bytes of a batch (security.md E.8). */
export const BATCH_BYTES_MAX = 32 * 1024 * 1024;

/** Lines of a batch: its answer has as many, and is kept until the last is known. */
const LINES_MAX = 10_000;

/** Lines with the blank ones, which cost little, but not nothing. */
const BLANK_LINES_MAX = 100_000;

/** Events that are being stored at a time. */
const PARALLEL_MAX = 64;

/** What became of one line. */
export type BatchLine =
  & { readonly line: number }
  & (AcceptedBody | ProblemBody);

interface Line {
  readonly line: number;
  readonly bytes: Uint8Array;
}

const LINE_FEED = 10;

/** The blank, the tab and the carriage return. */
const BLANKS: ReadonlySet<number> = new Set([32, 9, 13]);

/**
 * Cuts a body into lines, and leaves out blank ones.
 *
 * @throws {TransporterError} `invalid_json` when there is none, `too_large` when there are too many.
 */
function linesOf(bytes: Uint8Array): readonly Line[] {
  const lines: Line[] = [];
  let at = 0;
  for (let line = 1; at < bytes.length; line++) {
    const found = bytes.indexOf(LINE_FEED, at);
    const end = found === -1 ? bytes.length : found;
    const part = bytes.subarray(at, end);
    at = end + 1;
    // Only a short line can be blank without being an attack.
    const blank = part.length < 100 && part.every((byte) => BLANKS.has(byte));
    if (!blank) lines.push({ line, bytes: part });
    if (lines.length > LINES_MAX || line > BLANK_LINES_MAX) {
      throw new TransporterError(
        "too_large",
        `Cannot take a batch of more than ${LINES_MAX} events, or ${BLANK_LINES_MAX} lines: send them in several`,
      );
    }
  }
  if (lines.length === 0) {
    throw new TransporterError(
      "invalid_json",
      "Cannot read the batch: it has no line with an event",
    );
  }
  return lines;
}

/**
 * Submits many events, one a line. They are accepted in the order of their
 * lines; one that cannot be accepted stops none of the others.
 *
 * @param body The lines.
 * @param services Where they go.
 * @returns What became of each line, in order.
 * @throws {TransporterError} `invalid_json`, `too_large`; then none was accepted.
 */
export async function submitBatch(
  body: Uint8Array,
  services: Services,
): Promise<readonly BatchLine[]> {
  const lines = linesOf(body);
  const answers: BatchLine[] = [];
  let next = 0;
  let before = Promise.resolve();

  /** Takes lines until there are none. */
  async function work(): Promise<void> {
    for (let i = next++; i < lines.length; i = next++) {
      const line = lines[i];
      if (line === undefined) return;
      const ready = before;
      const { promise, resolve } = Promise.withResolvers<void>();
      before = promise;
      try {
        answers[i] = {
          line: line.line,
          ...await submit(line, { ready, done: resolve }, services),
        };
      } catch (reason) {
        answers[i] = { line: line.line, ...services.problem(reason).body };
      } finally {
        ready.then(resolve);
      }
    }
  }

  await Promise.all(
    Array.from({ length: Math.min(PARALLEL_MAX, lines.length) }, work),
  );
  return answers;
}

async function submit(
  { bytes }: Line,
  turn: { readonly ready: Promise<void>; done(): void },
  { intake, store, tenant }: Services,
): Promise<AcceptedBody> {
  if (bytes.length > EVENT_BYTES_MAX) {
    throw new TransporterError(
      "too_large",
      `Cannot accept the event as it has more than ${EVENT_BYTES_MAX} bytes`,
    );
  }
  const value = parseJson(bytes);
  const acceptance = await intake.accept(value, {
    api: "v2",
    tenant,
    principal: PRINCIPAL,
    turn,
  });
  return await acceptedBody(acceptance, store);
}
