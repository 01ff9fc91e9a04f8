/** So many objects in a row have to be new before the next one is taken for new, too. */
const NEW_MIN = 3;

/** Guesses whether the next object is there already: as those before it were. */
export class Newcomers {
  #inARow = 0;

  /** Whether the next one is likely to be new. */
  get expected(): boolean {
    return this.#inARow >= NEW_MIN;
  }

  /** Takes note of one that was looked for. */
  saw(isNew: boolean): void {
    this.#inARow = isNew ? this.#inARow + 1 : 0;
  }
}
