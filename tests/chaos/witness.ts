import {
  defineExecutor,
  type Executor,
  systemClock,
  TransporterError,
} from "@transporter/sdk";
import * as v from "valibot";
import type { End, Output, Start } from "../history/entry.ts";
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

  /** Writes what an attempt puts out; a process that is killed has written it, and more is not asked for. */
  output(event: string, attempt: number, text: string): void {
    this.#append({ kind: "output", at: Date.now(), event, attempt, text });
  }

  #write(entry: Start | End): void {
    this.#append(entry);
    this.#file.syncDataSync();
  }

  #append(entry: Start | End | Output): void {
    const bytes = new TextEncoder().encode(entryLine(entry));
    for (let at = 0; at < bytes.length;) {
      at += this.#file.writeSync(bytes.subarray(at));
    }
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
    async apply({ ms, failures = 0 }, context) {
      const { idempotencyKey: id, attempt, signal } = context;
      const say = (what: string) => {
        const text = `attempt ${attempt} of ${id} ${what}\n`;
        book.output(id, attempt, text);
        context.output("stdout", text);
      };
      book.start(id, attempt);
      say("begins");
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
      say("ends well");
      book.end(id, attempt, "done");
      return { attempt };
    },
    verify: () => Promise.resolve(),
    keys: ({ key }) => key === undefined ? [] : [key],
    repeatable: ({ repeatable }) => repeatable,
  });
}
