/** Far longer than anything here takes, in milliseconds: what has not come by then does not come. */
const WAIT_MS_MAX = 300_000;

function late(what: string, waitMs: number): Error {
  return new Error(`Cannot wait longer than ${waitMs} ms for ${what}`);
}

/** How {@linkcode until} asks. */
export interface UntilOptions {
  /** Milliseconds between questions; 20 unless given. */
  readonly everyMs?: number;
  /** Milliseconds after which it gives up; five minutes unless given. */
  readonly waitMs?: number;
  /** What is waited for, in a few words; the text of the question unless given. */
  readonly what?: () => string;
}

/**
 * Asks until the answer is neither `undefined` nor `false`, and returns it. For
 * conditions in other processes, which nobody can await.
 *
 * @throws {Error} When it does not come, with what was waited for.
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const { everyMs = 20, waitMs = WAIT_MS_MAX, what = () => `${ask}` } = options;
  const begun = performance.now();
  while (true) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) {
      return answer as Exclude<T, undefined | false>;
    }
    if (performance.now() - begun > waitMs) throw late(what(), waitMs);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/**
 * Waits for what somebody else is to tell.
 *
 * @throws {Error} When it does not come, with what was waited for.
 */
export async function limited<T>(
  awaited: Promise<T>,
  what: () => string,
  waitMs: number = WAIT_MS_MAX,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late(what(), waitMs)), waitMs);
  try {
    return await Promise.race([awaited, promise]);
  } finally {
    clearTimeout(timer);
  }
}
