import {
  parseJson,
  type ProblemBody,
  TransporterError,
} from "@transporter/sdk";
import type { AcceptedBody } from "@transporter/sdk";
import { EVENT_BYTES_MAX } from "../event_size.ts";
import type { AcceptOptions, Turn } from "../intake.ts";
import { PRINCIPAL } from "./principal.ts";
import type { Services } from "./services.ts";
import { acceptedBody } from "./view.ts";

/** Bytes of a batch. */
export const BATCH_BYTES_MAX = 32 * 1024 * 1024;

/** Events of a batch: its answer has as many lines, and is kept until the last is known. */
export const LINES_MAX = 10_000;

/** Lines with the blank ones, which cost little, but not nothing. */
const BLANK_LINES_MAX = 100_000;

/** Events that are being stored at a time. */
const PARALLEL_MAX = 64;

/** One event of a batch. */
export interface BatchItem {
  /** Its place, from 1: the number of its line, where it has one. */
  readonly line: number;
  /** Reads the body of a submission; throws what makes it none. */
  read(): unknown;
}

/** What became of one line. */
export type BatchLine =
  & { readonly line: number }
  & (AcceptedBody | ProblemBody);

const LINE_FEED = 10;

/** The blank, the tab and the carriage return. */
const BLANKS: ReadonlySet<number> = new Set([32, 9, 13]);

/**
 * Cuts a body into lines, and leaves out blank ones.
 *
 * @throws {TransporterError} `invalid_json` when there is none, `too_large` when there are too many.
 */
export function linesOf(bytes: Uint8Array): readonly BatchItem[] {
  const lines: BatchItem[] = [];
  let at = 0;
  for (let line = 1; at < bytes.length; line++) {
    const found = bytes.indexOf(LINE_FEED, at);
    const end = found === -1 ? bytes.length : found;
    const part = bytes.subarray(at, end);
    at = end + 1;
    // Only a short line can be blank without being an attack.
    const blank = part.length < 100 && part.every((byte) => BLANKS.has(byte));
    if (!blank) lines.push({ line, read: () => readLine(part) });
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

function readLine(bytes: Uint8Array): unknown {
  if (bytes.length > EVENT_BYTES_MAX) {
    throw new TransporterError(
      "too_large",
      `Cannot accept the event as it has more than ${EVENT_BYTES_MAX} bytes`,
    );
  }
  return parseJson(bytes);
}

/**
 * Submits many events. They are accepted in their order; one that cannot be
 * accepted stops none of the others.
 *
 * @param lines The events.
 * @param services Where they go.
 * @param api How tolerant to be.
 * @returns What became of each, in order.
 * @throws {TransporterError} `overloaded` for all of it.
 */
export async function submitBatch(
  lines: readonly BatchItem[],
  services: Services,
  api: AcceptOptions["api"],
): Promise<readonly BatchLine[]> {
  const { intake, tenant, turns } = services;
  const parallel = Math.min(PARALLEL_MAX, lines.length);
  using room = intake.admitRead(tenant, parallel);
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
          ...await turns.run(() => submit(line, { ready, done: resolve })),
        };
      } catch (reason) {
        answers[i] = { line: line.line, ...services.problem(reason).body };
      } finally {
        ready.then(resolve);
      }
    }
  }

  async function submit(item: BatchItem, turn: Turn): Promise<AcceptedBody> {
    const acceptance = await intake.accept(item.read(), {
      api,
      tenant,
      principal: PRINCIPAL,
      room,
      turn,
    });
    return await acceptedBody(acceptance, services.store);
  }

  await Promise.all(Array.from({ length: parallel }, work));
  return answers;
}
