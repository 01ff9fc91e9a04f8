/**
 * The tables of the SQLite store: what takes more than one statement, to be
 * run within one transaction.
 *
 * @module
 */
import { type Clock, type EventSpec, isTerminal } from "@transporter/sdk";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { changeRecord, newRecord } from "./record.ts";
import { SQL } from "./sqlite_queries.ts";
import { json, readEventRow } from "./sqlite_rows.ts";
import type {
  AgentRecord,
  EventChange,
  EventRecord,
  NewEvent,
  Release,
  ReleasedEvent,
} from "./store.ts";

/** The columns of `event` that change. */
function changingColumns(record: EventRecord) {
  return {
    open: isTerminal(record.state) ? 0 : 1,
    state: record.state,
    phase: record.phase ?? null,
    attempt: record.attempt,
    revision: record.revision,
    updatedAt: record.updatedAt,
    message: JSON.stringify(record.message),
  };
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

/** The prepared statements, and what takes several of them. */
export class Tables {
  /** Prepared once. */
  readonly sql: Readonly<Record<keyof typeof SQL, StatementSync>>;
  readonly #clock: Clock;

  /** Prepares the statements; the clock stamps changes. */
  constructor(db: DatabaseSync, clock: Clock) {
    const prepared = Object.entries(SQL).map((
      [name, sql],
    ) => [name, db.prepare(sql)]);
    this.sql = Object.fromEntries(prepared);
    this.#clock = clock;
  }

  /** Reads the one record that a statement finds. */
  findEvent(
    name: "getEvent" | "getEventByKey" | "getEventByEnq",
    ...values: SQLInputValue[]
  ): EventRecord | undefined {
    const row = this.sql[name].get(...values);
    return row && readEventRow(row);
  }

  /** Reads the event that has the id, or the idempotency key, of a new one. */
  getTaken(tenant: string, event: NewEvent): EventRecord | undefined {
    const { id } = event.spec;
    const key = event.idempotencyKey ?? id;
    const taken = this.findEvent("getEvent", tenant, id) ??
      this.findEvent("getEventByKey", tenant, key);
    if (taken || key === id) return taken;
    // An event without a key of its own has its id as key.
    const named = this.findEvent("getEvent", tenant, key);
    return named?.idempotencyKey === undefined ? named : undefined;
  }

  /** Adds the payload to a record. */
  withPayload(record: EventRecord): ReleasedEvent {
    const row = this.sql.getPayload.get(record.enq) ?? {};
    return {
      record,
      spec: {
        ...record.spec,
        payload: json<EventSpec["payload"]>(row, "payload"),
      },
    };
  }

  /** Adds an event. */
  addEvent(tenant: string, event: NewEvent): EventRecord {
    const { payload, ...head } = event.spec;
    const [headText, payloadText] = [
      JSON.stringify(head),
      JSON.stringify(payload),
    ];
    // The whole is the head, with a comma, the payload's name and the payload before its last brace.
    const bytes =
      new TextEncoder().encode(`${headText},"payload":${payloadText}`).length;
    const record = newRecord(tenant, event, { enq: 0, bytes });
    const { lastInsertRowid } = this.sql.addEvent.run({
      ...changingColumns(record),
      tenant,
      id: head.id,
      idempotencyKey: record.idempotencyKey ?? null,
      agent: head.target_agent,
      type: head.type,
      priority: head.priority,
      digest: record.digest,
      bytes,
      acceptedAt: record.acceptedAt,
      deadline: record.deadline,
    });
    const enq = Number(lastInsertRowid);
    this.sql.addSpec.run(enq, headText, payloadText);
    for (const [name, value] of Object.entries(head.labels)) {
      this.sql.addLabel.run(tenant, name, value, enq);
    }
    this.sql.addHistory.run(
      tenant,
      enq,
      record.revision,
      JSON.stringify(event.status),
    );
    return { ...record, enq };
  }

  /** Changes an event, and with `seq` gives it that number in its agent's stream. */
  changeEvent(
    record: EventRecord,
    change: EventChange,
    { seq }: { readonly seq?: number } = {},
  ): EventRecord {
    const at = this.#clock.now();
    const next = changeRecord(
      record,
      change,
      seq === undefined ? { at } : { at, seq },
    );
    this.sql.setEvent.run({
      ...changingColumns(next),
      enq: next.enq,
      seq: next.seq ?? null,
      finishedAt: next.finishedAt ?? null,
    });
    if (change.result !== undefined || change.error !== undefined) {
      this.sql.setOutcome.run(
        next.enq,
        jsonOrNull(next.result),
        jsonOrNull(next.error),
      );
    }
    this.sql.addHistory.run(
      next.tenant,
      next.enq,
      next.revision,
      JSON.stringify(change.status),
    );
    return next;
  }

  /** Finds the queued events to release next, with what becomes of them. */
  chooseQueued(
    tenant: string,
    { agent, eventsMax, bytesMax, decide }: Release,
  ): { readonly record: EventRecord; readonly change: EventChange }[] {
    const chosen: {
      readonly record: EventRecord;
      readonly change: EventChange;
    }[] = [];
    let bytes = 0;
    for (let offset = 0; chosen.length < eventsMax; offset += eventsMax) {
      const rows = this.sql.listQueued.all(tenant, agent, eventsMax, offset);
      for (const record of rows.map(readEventRow)) {
        const change = chosen.length < eventsMax ? decide(record) : undefined;
        if (!change) continue;
        bytes += record.bytes;
        if (chosen.length > 0 && bytes > bytesMax) return chosen;
        chosen.push({ record, change });
      }
      if (rows.length < eventsMax) break;
    }
    return chosen;
  }

  /** Adds an agent, or replaces what is known of it. */
  setAgent(agent: AgentRecord): void {
    const { registration, executors, ...counters } = agent;
    this.sql.setAgent.run(counters);
    const texts = [JSON.stringify(registration), JSON.stringify(executors)];
    this.sql.setProfile.run(agent.tenant, agent.id, ...texts);
  }
}
