/**
 * Cuts a stream into lines of a bounded length, in pieces as they come. What
 * is longer is given up piece by piece, so that it takes no memory.
 */
export class Lines {
  readonly #decoder = new TextDecoder();
  readonly #charsMax: number;
  readonly #take: (line: string, whole: boolean) => void;
  #pieces: string[] = [];
  #chars = 0;

  /**
   * Makes one.
   *
   * @param charsMax How long a line may be.
   * @param take Takes each line; one that is too long in parts, `whole` false for all but its last.
   */
  constructor(
    charsMax: number,
    take: (line: string, whole: boolean) => void,
  ) {
    this.#charsMax = charsMax;
    this.#take = take;
  }

  /** Takes bytes. */
  push(bytes: Uint8Array): void {
    let text = this.#decoder.decode(bytes, { stream: true });
    for (
      let end = text.indexOf("\n");
      end !== -1;
      end = text.indexOf("\n")
    ) {
      this.#add(text.slice(0, end));
      this.#flush(true);
      text = text.slice(end + 1);
    }
    if (text !== "") this.#add(text);
    if (this.#chars > this.#charsMax) this.#flush(false);
  }

  /** Nothing comes any more: what is there is a line. */
  end(): void {
    if (this.#chars > 0) this.#flush(true);
  }

  #add(text: string): void {
    this.#pieces.push(text);
    this.#chars += text.length;
  }

  #flush(whole: boolean): void {
    const line = this.#pieces.join("");
    this.#pieces = [];
    this.#chars = 0;
    this.#take(line, whole);
  }
}
