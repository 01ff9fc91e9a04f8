import {
  clearImmediate,
  clearTimeout,
  setImmediate,
  setTimeout,
} from "node:timers";

/** Milliseconds that work of one kind may take before others have their turn. */
const TURN_MS = 4;

/**
 * Milliseconds of a turn while there is more than fits into one and rivals have
 * work, too. The longer one lets in twice as much as agents can end, which then
 * end half as much: what is let in is not what is done.
 */
const SHORT_TURN_MS = 0.8;

/** Work that waits until the runtime has looked for input. */
interface Work {
  /** Absent once it is called off. */
  run?: () => void;
  /** Whether it takes so long that nothing else is to be done after the same look. */
  readonly long: boolean;
}

/** Milliseconds from a look for input to the next one; each costs one or two in which little is done. */
const LOOK_MS = 20;

/** What waits for a look, those that came first before others. */
let waiting: Work[] = [];
/** When there was the last look that something waited for, by `performance.now()`. */
let lookedAt = 0;
/** Calls off the look that is under way. */
let stopLooking: (() => void) | undefined;

/**
 * Runs something once the runtime has looked for input, unless it has just
 * done so; returns how to call it off. Deno 2.9 looks when a round of its
 * event loop leaves nothing to do, or after 61 rounds. A timer alone does not
 * wait for that: it goes off in the next round when it is due by then, and what
 * was written begins a next round. So a timer begins a round later, when
 * nothing is left that takes as long.
 *
 * @param run The work.
 * @param options `ms`: it waits so long at least. `long`: after its look nothing else is done. `left`: it
 * did not fit into the work before, so there is much of it, and it waits for a look in any case.
 */
export function afterInput(
  run: () => void,
  { ms = 0, long = false, left = false }: {
    readonly ms?: number;
    readonly long?: boolean;
    readonly left?: boolean;
  } = {},
): () => void {
  const work: Work = { run, long };
  let immediate: ReturnType<typeof setImmediate> | undefined;
  function wait(): void {
    if (!left && performance.now() - lookedAt < LOOK_MS) {
      immediate = setImmediate(run);
      return;
    }
    waiting.push(work);
    if (stopLooking === undefined) look();
  }
  const timer = ms >= 1 ? setTimeout(wait, ms) : undefined;
  if (timer === undefined) wait();
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
    delete work.run;
    waiting = waiting.filter((each) => each !== work);
    if (waiting.length === 0) stopLooking?.();
  };
}

/** Looks for input, does what comes next of what waits, and looks again while something is left. */
function look(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let immediate = setImmediate(() => {
    immediate = setImmediate(() => timer = setTimeout(goOn, 0));
  });
  stopLooking = () => {
    clearImmediate(immediate);
    clearTimeout(timer);
    stopLooking = undefined;
  };
}

function goOn(): void {
  stopLooking = undefined;
  lookedAt = performance.now();
  const [first] = waiting;
  const now = waiting.filter((each) =>
    first?.long ? each === first : !each.long
  );
  waiting = waiting.filter((each) => !now.includes(each));
  if (waiting.length > 0) look();
  for (const work of now) work.run?.();
}

/**
 * Does, a little a turn of the event loop, what would otherwise be done in one
 * go since it waits for nothing. While the events of many requests are looked
 * at, who comes is told at once that it is too much, agents are heard, and
 * what was looked at is stored.
 */
export class Turns implements Disposable {
  readonly #rivals: () => number;
  /** What they had done when the last turn began. */
  #rivalsDone = 0;
  readonly #waiting: (() => void)[] = [];
  #until = 0;
  #began = false;
  #endTurn: (() => void) | undefined;

  /** Takes turns; `rivals` counts what is done for others, to whom turns are left while it grows. */
  constructor(rivals: () => number = () => 0) {
    this.#rivals = rivals;
  }

  /** Begins a piece of work in this turn or a later one, after those that came before; its outcome. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#waiting.push(() => resolve(work()));
    if (!this.#began) this.#begin();
    else if (this.#waiting.length === 1) this.#goOn();
    return promise;
  }

  /** Begins all that waits; from now on everything begins at once. */
  [Symbol.dispose](): void {
    this.#endTurn?.();
    this.#began = true;
    this.#until = Infinity;
    this.#goOn();
  }

  #begin(wasLeft: boolean = false): void {
    const done = this.#rivals();
    const short = wasLeft && done !== this.#rivalsDone;
    this.#rivalsDone = done;
    this.#began = true;
    this.#until = performance.now() + (short ? SHORT_TURN_MS : TURN_MS);
    this.#goOn();
    const left = this.#waiting.length > 0;
    this.#endTurn = afterInput(() => {
      this.#began = false;
      if (this.#waiting.length > 0) this.#begin(left);
    }, { left });
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && performance.now() < this.#until) {
      this.#waiting.shift()?.();
    }
  }
}
