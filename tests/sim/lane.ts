/**
 * A worker that does one job at a time.
 *
 * @typeParam Job What it is told.
 * @typeParam Result What it answers.
 */
export class Lane<Job, Result> implements Disposable {
  readonly #worker: Worker;

  /** Starts one; the module answers each message with one. */
  constructor(module: URL) {
    this.#worker = new Worker(module, { type: "module" });
  }

  /** Does a job; not before the last one is done. */
  run(job: Job): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<Result>) =>
        resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        const text = JSON.stringify(job);
        reject(
          new Error(`Cannot run ${text}: ${event.message}`, {
            cause: event.error,
          }),
        );
      };
      this.#worker.postMessage(job);
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
