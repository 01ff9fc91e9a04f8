import { ANSWER_BYTES_MAX, NoAnswer } from "./no_answer.ts";

/** What {@linkcode ApiStream} is made of. */
export interface StreamParts {
  /** The answer; its body has not been read. */
  readonly response: Response;
  /** Ends the limit of its life. */
  readonly limit: Disposable;
  /** What an error while it is read means. */
  readonly explain: (error: unknown) => unknown;
}

/** An answer that goes on until its server ends it: a watch. Dispose it when nobody reads on. */
export class ApiStream implements AsyncDisposable {
  readonly #parts: StreamParts;

  /** For the transport, which opens it. */
  constructor(parts: StreamParts) {
    this.#parts = parts;
  }

  /**
   * Gives the lines as they come. To be read once. What comes after the last
   * line break is left out: it was cut off.
   *
   * @throws {NoAnswer} When the connection ends, or its time is up.
   */
  async *lines(): AsyncGenerator<string> {
    const { response, explain } = this.#parts;
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of response.body ?? []) {
        const text = decoder.decode(chunk, { stream: true });
        rest += text;
        if (rest.length > ANSWER_BYTES_MAX) {
          throw new NoAnswer(
            `a line of the answer has more than ${ANSWER_BYTES_MAX} characters`,
          );
        }
        if (!text.includes("\n")) continue;
        const lines = rest.split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
    } catch (error) {
      throw explain(error);
    }
  }

  /**
   * Gives the text as it comes, in pieces of any length. To be read once.
   *
   * @throws {NoAnswer} When the connection ends before the answer does, or its time is up.
   */
  async *text(): AsyncGenerator<string> {
    const { response, explain } = this.#parts;
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        yield decoder.decode(chunk, { stream: true });
      }
      yield decoder.decode();
    } catch (error) {
      throw explain(error);
    }
  }

  /** Ends it at its server, too. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { response, limit } = this.#parts;
    try {
      await response.body?.cancel();
    } catch {
      // Broken or at its end already, which whoever read it has been told.
    }
    limit[Symbol.dispose]();
  }
}
