/**
 * What goes to Redis in one piece, and how its answers come back.
 *
 * @module
 */
import type { TransporterError } from "@transporter/sdk";
import { redisError } from "./redis_error.ts";

/** What Redis answers. */
export type Reply = string | number | null | readonly Reply[];

/** Whether a step may also be done when Redis has no memory left: `lenient` ones are about what was accepted. */
export type Leave = "strict" | "lenient";

/** What somebody waits for. */
export interface Item {
  /** A command of Redis, or a step of the script with its name and their number first; made when it is sent. */
  readonly words: () => readonly string[];
  /** What it may use; `read` is not a step of the script. */
  readonly leave: Leave | "read";
  /** It was done. */
  resolve(reply: Reply): void;
  /** It was not, or nobody knows. */
  reject(reason: unknown): void;
}

/** Steps of one run of the script: Redis does nothing else meanwhile. */
const STEPS_MAX = 100;

/** Characters of their words; one step may have more. */
const WORDS_MAX = 1024 * 1024;

/** What goes to Redis as one command. */
export interface Group {
  /** Who waits for it; more than one only of steps of the script. */
  readonly items: Item[];
  /** The words of all of them. */
  readonly words: string[];
}

/**
 * Steps that follow each other go in one run of the script; anything else
 * alone. An item whose words cannot be made is refused, and left out.
 */
export function grouped(items: readonly Item[]): readonly Group[] {
  const groups: Group[] = [];
  let group: Group | undefined;
  let size = 0;
  for (const item of items) {
    let words: readonly string[];
    try {
      words = item.words();
    } catch (reason) {
      item.reject(reason);
      continue;
    }
    const length = words.reduce((sum, word) => sum + word.length, 0);
    if (item.leave === "read") {
      groups.push({ items: [item], words: [...words] });
      group = undefined;
      continue;
    }
    if (
      group === undefined || group.items.length >= STEPS_MAX ||
      size + length >= WORDS_MAX
    ) {
      groups.push(group = { items: [], words: [] });
      size = 0;
    }
    group.items.push(item);
    for (const word of words) group.words.push(word);
    size += length;
  }
  return groups;
}

/** Tells those who wait what became of their items; `short` when too few replicas have it. */
export function settle(
  group: readonly Item[],
  reply: Reply,
  short: TransporterError | undefined,
): void {
  const [first] = group;
  if (first?.leave === "read") return first.resolve(reply);
  const done = Array.isArray(reply) ? reply : [];
  for (const [i, item] of group.entries()) {
    const result: Reply = done[i] ?? null;
    if (short) item.reject(short);
    else if (!Array.isArray(result)) {
      item.reject(redisError("write to", "it answered nothing"));
    } else if (result[0] === "fail") {
      item.reject(redisError("write to", result[1]));
    } else item.resolve(result);
  }
}
