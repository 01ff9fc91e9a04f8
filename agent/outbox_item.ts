import type { EventStatus } from "@transporter/sdk";

/** A status that the control plane may not have yet. */
export interface OutboxItem {
  /** The status. */
  readonly status: EventStatus;
  /** Whether it stays until it is acknowledged, also by a process to come. */
  readonly last: boolean;
  /** Its number; 0 until a control plane has said where numbers start. */
  sid: number;
  /** Whether it may go out: a last status only once it is durable. */
  ready: boolean;
  /** Whether it went out in this session. Those that did come first. */
  sent: boolean;
  /** Whether it was written to a control plane that acknowledges nothing. */
  told: boolean;
}

/**
 * Leaves out progress that nobody waits for: of each attempt the first report,
 * the newest and the last status stay, and so does what was sent.
 */
export function withoutProgress(items: readonly OutboxItem[]): OutboxItem[] {
  const newest = new Map<string, OutboxItem>();
  const oldest = new Map<string, OutboxItem>();
  for (const item of items) {
    if (item.last) continue;
    const attempt = `${item.status.event_id} ${item.status.attempt}`;
    newest.set(attempt, item);
    if (!oldest.has(attempt)) oldest.set(attempt, item);
  }
  const kept = new Set([...oldest.values(), ...newest.values()]);
  return items.filter((item) => item.sent || item.last || kept.has(item));
}
