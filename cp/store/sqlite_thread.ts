/** A thread for work on the file of a store, which does one thing at a time. */
export class Thread<Order, Answer> implements AsyncDisposable {
  readonly #worker: Worker;
  #asked: PromiseWithResolvers<Answer> | undefined;
  #dead: Error | undefined;

  /**
   * Starts it.
   *
   * @param program Its module, as text, so that a bundle needs no file beside it: `answer(order)` does what
   * is asked for, and `close()` lets go of what it holds.
   */
  constructor(program: string) {
    const module = `${program}
self.onmessage = ({ data }) => {
  if (data.close) close();
  self.postMessage(data.close ? undefined : answer(data.order));
};`;
    const url = `data:text/javascript,${encodeURIComponent(module)}`;
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) =>
      this.#asked?.resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault(); // whoever asks is told
      this.#dead = new Error(`The thread has ended: ${event.message}`);
      this.#asked?.reject(this.#dead);
    };
  }

  /**
   * Has something done; not before the last is answered.
   *
   * @throws {Error} It has ended, and nobody knows how far it came.
   */
  ask(order: Order): Promise<Answer> {
    return this.#send({ order });
  }

  /** Ends it, once what it does is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#asked?.promise.catch(() => {}); // whoever asked is told
    if (this.#dead === undefined) {
      await this.#send({ close: true }).catch(() => {}); // it has ended, as it should
    }
    this.#worker.terminate();
  }

  #send(message: unknown): Promise<Answer> {
    const asked = this.#asked = Promise.withResolvers<Answer>();
    if (this.#dead === undefined) this.#worker.postMessage(message);
    else asked.reject(this.#dead);
    return asked.promise;
  }
}
