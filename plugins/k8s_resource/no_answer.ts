/** Why there was no answer: nobody there, a cut connection, silence. Whether the request was done is unknown. */
export class NoAnswer extends Error {
  /** Makes one. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NoAnswer";
  }
}

/** The answer is longer than is read; it would be the next time, too. */
export class LongAnswer extends NoAnswer {
  /** Makes one. */
  constructor() {
    super(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
  }
}

/** Bytes of an answer, or of a line of one that goes on: more than any object can have, so that a broken server cannot fill the memory. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
