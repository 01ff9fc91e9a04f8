import { type ErrorBody, TransporterError } from "@transporter/sdk";

/** Answers that are waited for, by the numbers of what was asked. */
export class Answers<Value> {
  readonly #waiting = new Map<number, PromiseWithResolvers<Value>>();
  #asked = 0;

  /** Asks: `send` gets the number. */
  ask(send: (n: number) => void): Promise<Value> {
    const n = ++this.#asked;
    const waiting = Promise.withResolvers<Value>();
    this.#waiting.set(n, waiting);
    send(n);
    return waiting.promise;
  }

  /** An answer came, or an error instead. */
  take(n: number, value: Value, error: ErrorBody | undefined): void {
    const waiting = this.#waiting.get(n);
    this.#waiting.delete(n);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(TransporterError.fromBody(error));
  }
}
