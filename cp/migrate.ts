/**
 * Moves all events from one store to another, with their ids, their histories,
 * the numbers of their changes, and what agents were told: an agent that comes
 * back goes on as if nothing was.
 *
 * @module
 */
import { type Ids, TransporterError, withoutPassword } from "@transporter/sdk";
import { openArchive, refuseDataDir, refuseForRedis } from "./open_store.ts";
import {
  type Archive,
  type ArchiveItem,
  ITEM_KINDS,
  type ItemCounts,
  type ItemKind,
  type MoveMark,
} from "./store/archive.ts";

export { isOutsideDataDir } from "./open_store.ts";
export type { ItemCounts, ItemKind } from "./store/archive.ts";

/** Pieces that are written at a time. */
const PIECES_MAX = 200;

/** Characters of their bodies; one may have more. */
const CHARACTERS_MAX = 4 * 1024 * 1024;

/** How far a move is. */
export interface MoveProgress {
  /** What is moved now. */
  readonly kind: ItemKind;
  /** Pieces that the other store has, of all kinds. */
  readonly moved: number;
  /** Pieces there are. */
  readonly all: number;
}

/** Options of {@linkcode migrate}. */
export interface MigrateOptions {
  /** What relative paths start from. */
  readonly dataDir: string | undefined;
  /** A file with the password for Redis, when that does not stand in the URL. */
  readonly redisPasswordFile?: string | undefined;
  /** A file with the certificate, PEM, of who signs that of Redis. */
  readonly redisCaFile?: string | undefined;
  /** The store that is moved. */
  readonly from: string;
  /** Where it goes. */
  readonly to: string;
  /** Where the name of the move comes from. */
  readonly ids: Ids;
  /** Hears how far it is. */
  readonly progress: (progress: MoveProgress) => void;
  /** Ends it in the middle; it goes on the next time. */
  readonly signal: AbortSignal;
}

/**
 * Moves a store, or goes on where it was when it ended in the middle.
 *
 * @returns How many pieces the other store has.
 * @throws {TransporterError} `conflict` when the other one has other events, or a control plane uses either;
 * `folder_in_use`, `store_unavailable`, `disk_full`, `usage`.
 */
export async function migrate(options: MigrateOptions): Promise<ItemCounts> {
  const { from, to, ids } = options;
  if (from === to) {
    throw new TransporterError(
      "usage",
      "Cannot move a store into itself: --from and --to are the same",
    );
  }
  refuseDataDir(options.dataDir, [from, to]);
  refuseForRedis(options, [from, to]);
  await using opened = await openArchive(from, options);
  await using other = await openArchive(to, options);
  const [source, target] = [opened.archive, other.archive];
  if (sum(await source.counts()) === 0) {
    throw new TransporterError(
      "not_found",
      `Cannot move "${withoutPassword(from)}" as there is nothing in it`,
    );
  }
  const { source: begun } = await source.marks();
  const move = begun?.move ?? ids.next();
  const mark = { move, other: withoutPassword(to), isOver: false };
  const { target: filled } = await target.marks();
  if (filled?.move === move && filled.isOver) {
    await source.markSource({ ...mark, isOver: true });
    return await target.counts();
  }
  if (filled?.move !== move || filled.isOver) await refuseFull(target, to);
  await source.markSource(mark);
  const reached = await copy(source, target, {
    ...options,
    mark: { move, other: withoutPassword(from), isOver: false },
    after: filled?.move === move ? filled.cursor : undefined,
  });
  const counts = await compare(source, target);
  await target.finish(await source.counters(), { ...reached, isOver: true });
  await source.markSource({ ...mark, isOver: true });
  return counts;
}

async function refuseFull(target: Archive, to: string): Promise<void> {
  const counts = await target.counts();
  const { source, target: other } = await target.marks();
  const isEmpty = ITEM_KINDS.every((kind) => counts[kind] === 0);
  if (isEmpty && source === undefined && other === undefined) return;
  throw new TransporterError(
    "conflict",
    `Cannot move the store to "${
      withoutPassword(to)
    }" as that has other events, or another move into it has not ended: name an empty one`,
  );
}

async function copy(
  source: Archive,
  target: Archive,
  { mark, after, progress, signal }: MigrateOptions & {
    readonly mark: MoveMark;
    readonly after: string | undefined;
  },
): Promise<MoveMark> {
  const all = sum(await source.counts());
  let moved = sum(await target.counts());
  let reached: MoveMark = after === undefined
    ? mark
    : { ...mark, cursor: after };
  // Before the first piece, so that it is known whose pieces they are.
  await target.write([], reached);
  let items: ArchiveItem[] = [];
  let size = 0;
  async function flush(): Promise<void> {
    const kind = items.at(-1)?.kind;
    if (kind === undefined) return;
    await target.write(items, reached);
    moved += items.length;
    [items, size] = [[], 0];
    progress({ kind, moved, all });
    signal.throwIfAborted();
  }
  for await (const { item, cursor } of source.read(after)) {
    items.push(item);
    size += item.kind === "event" ? item.payload.length : 0;
    reached = { ...mark, cursor };
    if (items.length >= PIECES_MAX || size >= CHARACTERS_MAX) await flush();
  }
  await flush();
  return reached;
}

/** Nothing is moved by halves. */
async function compare(source: Archive, target: Archive): Promise<ItemCounts> {
  const [mine, theirs] = await Promise.all([source.counts(), target.counts()]);
  for (const kind of ITEM_KINDS) {
    if (mine[kind] === theirs[kind]) continue;
    throw new TransporterError(
      "internal",
      `Cannot end the move as ${theirs[kind]} of ${
        mine[kind]
      } pieces of kind "${kind}" have arrived: empty the new store, and move again`,
    );
  }
  return theirs;
}

function sum(counts: ItemCounts): number {
  return ITEM_KINDS.reduce((sum, kind) => sum + counts[kind], 0);
}
