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
  /** A command of Redis, or a step of the script with its name and their number first. */
  readonly words: readonly string[];
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

/** Steps that follow each other go in one run of the script; anything else alone. */
export function grouped(items: readonly Item[]): readonly (readonly Item[])[] {
  const groups: Item[][] = [];
  let group: Item[] | undefined;
  let size = 0;
  for (const item of items) {
    const length = item.words.reduce((sum, word) => sum + word.length, 0);
    if (item.leave === "read") {
      groups.push([item]);
      group = undefined;
    } else if (group && group.length < STEPS_MAX && size + length < WORDS_MAX) {
      group.push(item);
      size += length;
    } else {
      groups.push(group = [item]);
      size = length;
    }
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
