/** Requests of one event that are on their way at the same time. */
const PARALLEL = 8;

/**
 * Does the same with each item, some at the same time, begun in their order.
 *
 * @param items What there is to do.
 * @param act Does one. When it throws, no other one is kept from being begun by it.
 * @param isOver Whether nothing more is to be begun; asked before each.
 * @throws What `act` threw first.
 */
export async function inParallel<Item>(
  items: Iterable<Item>,
  act: (item: Item) => Promise<void>,
  isOver: () => boolean = () => false,
): Promise<void> {
  const left = Iterator.from(items);
  const work = async () => {
    for (const item of left) {
      if (isOver()) return;
      await act(item);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}
