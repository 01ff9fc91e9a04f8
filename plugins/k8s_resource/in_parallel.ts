/** Requests of one event that are on their way at the same time. */
const PARALLEL = 8;

/**
 * Bytes of the objects that are worked on at the same time, unless one alone
 * has more: what is asked, what is answered and what both mean takes an agent
 * twenty times as much for a moment.
 */
const BYTES_MAX = 512 * 1024;

/** Options of {@linkcode inParallel}. */
export interface InParallelOptions<Item> {
  /** Whether nothing more is to be begun; asked before each. */
  readonly isOver?: () => boolean;
  /** How large an item is; by default of no size. */
  readonly bytesOf?: (item: Item) => number;
}

/**
 * Does the same with each item, some at the same time, begun in their order.
 *
 * @param items What there is to do.
 * @param act Does one. When it throws, no other one is kept from being begun by it.
 * @throws What `act` threw first, once all is done.
 */
export async function inParallel<Item>(
  items: Iterable<Item>,
  act: (item: Item) => Promise<void>,
  { isOver = () => false, bytesOf = () => 0 }: InParallelOptions<Item> = {},
): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    while (
      running.size >= PARALLEL ||
      running.size > 0 && bytes + size > BYTES_MAX
    ) await Promise.race(running);
    if (isOver()) break;
    bytes += size;
    const done = act(item).catch((error) => void failures.push(error)).then(
      () => {
        bytes -= size;
        running.delete(done);
      },
    );
    running.add(done);
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
}
