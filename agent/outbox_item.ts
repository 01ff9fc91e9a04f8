import type { EventStatus } from "@transporter/sdk";

/** A status that the control plane may not have yet. */
export interface OutboxItem {
  /** The status. */
  status: EventStatus;
  /** Whether it stays until it is acknowledged, also by a process to come. */
  readonly last: boolean;
  /** How long its JSON is, in characters. */
  chars: number;
  /** Its number; 0 until a control plane has said where numbers start. */
  sid: number;
  /** Whether it may go out: a last status only once it is durable. */
  ready: boolean;
  /** Whether it went out in this session. Those that did come first. */
  sent: boolean;
  /** Whether it ever went out: then its number may be known elsewhere, and means this status for ever. */
  known: boolean;
  /** Whether it was written to a control plane that acknowledges nothing. */
  told: boolean;
}

/**
 * Finds the report whose place and number a newer one of the same attempt may
 * take, so that no number is left out: not the first of the attempt, and none
 * that ever went out.
 *
 * @param items In the order they go out.
 * @param status The newer report.
 */
export function superseded(
  items: readonly OutboxItem[],
  status: EventStatus,
): OutboxItem | undefined {
  const newest = items.findLast(({ status: { event_id: id, attempt } }) =>
    id === status.event_id && attempt === status.attempt
  );
  const stays = newest === undefined || newest.last || newest.known ||
    newest.status.phase === "received";
  return stays ? undefined : newest;
}

/** Statuses in the order they go out, and how much they are together. */
export class OutboxItems {
  /** The items; only this class changes the list. */
  readonly list: OutboxItem[] = [];
  /** Characters of their JSON. */
  chars = 0;

  /** Adds one to the end. */
  push(
    item: Pick<OutboxItem, "status" | "last" | "ready" | "sid" | "known">,
  ): OutboxItem {
    const chars = JSON.stringify(item.status).length;
    const added = { ...item, chars, sent: false, told: false };
    this.list.push(added);
    this.chars += chars;
    return added;
  }

  /** Puts another status in the place of one. */
  put(item: OutboxItem, status: EventStatus): OutboxItem {
    const chars = JSON.stringify(status).length;
    this.chars += chars - item.chars;
    item.status = status;
    item.chars = chars;
    return item;
  }

  /** Takes one out. */
  remove(index: number): OutboxItem | undefined {
    const [removed] = this.list.splice(index, 1);
    this.chars -= removed?.chars ?? 0;
    return removed;
  }
}
