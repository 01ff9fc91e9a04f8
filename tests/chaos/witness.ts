import {
  defineExecutor,
  type Executor,
  systemClock,
  TransporterError,
} from "@transporter/sdk";
import * as v from "valibot";
import type { End, Start } from "../history/entry.ts";
import { entryLine } from "../history/lines.ts";

/** What an event asks of {@linkcode witness}. */
export interface WitnessPayload {
  /** How long the work takes, in milliseconds. */
  readonly ms: number;
  /** Whether it may be begun again when nobody knows how far it came. */
  readonly repeatable: boolean;
  /** What it touches; nothing unless given. */
  readonly key?: string | undefined;
  /** How many attempts fail before one succeeds; none unless given. */
  readonly failures?: number | undefined;
}

const PAYLOAD = v.strictObject({
  ms: v.number(),
  repeatable: v.boolean(),
  key: v.optional(v.string()),
  failures: v.optional(v.number()),
});

/** Who writes. */
export interface Author {
  /** The agent. */
  readonly agent: string;
  /** Its process. */
  readonly process: string;
}

/**
 * Where an executor writes down what it does. A line is on the disk before
 * `write` returns: what is not there did not happen.
 */
export class Book implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #author: Author;

  /** Opens the file, which other processes of the agent wrote before. */
  constructor(path: string, author: Author) {
    this.#file = Deno.openSync(path, { create: true, append: true });
    this.#author = author;
  }

  /** Writes that an attempt starts. */
  start(event: string, attempt: number): void {
    this.#write({
      kind: "start",
      at: Date.now(),
      ...this.#author,
      event,
      attempt,
    });
  }

  /** Writes how an attempt ended. */
  end(event: string, attempt: number, outcome: End["outcome"]): void {
    const { agent } = this.#author;
    this.#write({
      kind: "end",
      at: Date.now(),
      agent,
      event,
      attempt,
      outcome,
    });
  }

  #write(entry: Start | End): void {
    const bytes = new TextEncoder().encode(entryLine(entry));
    for (let at = 0; at < bytes.length;) {
      at += this.#file.writeSync(bytes.subarray(at));
    }
    this.#file.syncDataSync();
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** An executor that writes down every start before it does anything, and every end before it tells anybody. */
export function witness(book: Book): Executor {
  return defineExecutor<WitnessPayload, WitnessPayload, { attempt: number }>({
    type: "witness",
    version: "1.0.0",
    schema: PAYLOAD,
    validate: (payload) => Promise.resolve(payload),
    async apply({ ms, failures = 0 }, { idempotencyKey: id, attempt, signal }) {
      book.start(id, attempt);
      try {
        await systemClock.sleep(ms, { signal });
        if (attempt <= failures) {
          throw new TransporterError(
            "unavailable",
            "Attempt fails as its event asks for it",
          );
        }
      } catch (reason) {
        book.end(id, attempt, "failed");
        throw reason;
      }
      book.end(id, attempt, "done");
      return { attempt };
    },
    verify: () => Promise.resolve(),
    keys: ({ key }) => key === undefined ? [] : [key],
    repeatable: ({ repeatable }) => repeatable,
  });
}
