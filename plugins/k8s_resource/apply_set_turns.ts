import { isRecord, parseTime } from "@transporter/sdk";

/** An event that has applied to an ApplySet. */
export interface Turn {
  /** The event's id. */
  readonly id: string;
  /** When its producer made it, RFC 3339. */
  readonly createdAt: string;
}

/** Events that are remembered in a parent. */
const TURNS_MAX = 20;

/**
 * Reads the events that have applied to a set, the last one at the end;
 * `undefined` when the text is something else.
 */
export function readTurns(text: string): readonly Turn[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // somebody has edited it
  }
  if (!Array.isArray(value)) return undefined;
  const turns = value.map((each): Turn | undefined =>
    isRecord(each) && typeof each.id === "string" &&
      typeof each.created_at === "string"
      ? { id: each.id, createdAt: each.created_at }
      : undefined
  );
  return turns.every((each) => each !== undefined) ? turns : undefined;
}

/** The text that {@linkcode readTurns} reads. */
export function writeTurns(turns: readonly Turn[]): string {
  return JSON.stringify(
    turns.map(({ id, createdAt }) => ({ id, created_at: createdAt })),
  );
}

/**
 * Gives an event its turn after those that had theirs. Events take their turns
 * in the order in which they begin, which is that of their release. One that
 * has had its turn, or is tried again and was made before the last one, must
 * not undo what a later one did; one that had the last turn goes on.
 *
 * @param turns Those that had theirs, the last one at the end.
 * @param event The event, and which attempt at it this is, from 1.
 * @returns The turns with the event's at the end; the later event when it is too late for it.
 */
export function takeTurn(
  turns: readonly Turn[],
  { attempt, ...event }: Turn & { readonly attempt: number },
): { readonly turns: readonly Turn[] } | { readonly later: Turn } {
  const last = turns.at(-1);
  if (last === undefined) return { turns: [event] };
  if (last.id === event.id) return { turns };
  const had = turns.some(({ id }) => id === event.id);
  const madeAt = parseTime(event.createdAt) ?? NaN;
  const older = attempt > 1 && madeAt < (parseTime(last.createdAt) ?? NaN);
  if (had || older) return { later: last };
  return { turns: [...turns, event].slice(-TURNS_MAX) };
}
