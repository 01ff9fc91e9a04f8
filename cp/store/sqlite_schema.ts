/**
 * The schema, as the steps that led to it. A step that was released is never
 * edited: a new one is added.
 *
 * - `event`: what changes with every status; small rows.
 * - `spec`: what was asked; written once, may be large.
 * - `outcome`: what an event led to; written when it ends, may be large.
 * - `history`: every entry of every event, append-only; the row id counts the
 *   changes of all events.
 * - `label`: for finding events by label.
 * - `agent`, `profile`: the agent's counters, and what it said of itself.
 *
 * Text that anybody may have written is kept as JSON, since the runtime reads a
 * column only up to its first NUL character. Times are milliseconds since 1970.
 * An index ends with the row id, `enq` or `change`, and so has its order.
 *
 * @module
 */

/** `MIGRATIONS[n]` leads from version n to n + 1; `PRAGMA user_version` has the file's. */
export const MIGRATIONS: readonly string[] = [`
CREATE TABLE event (
  enq INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  idempotency_key TEXT,
  agent TEXT NOT NULL,
  type TEXT NOT NULL,
  priority INTEGER NOT NULL,
  digest TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  accepted_at REAL NOT NULL,
  accepted_upto REAL NOT NULL, -- the latest accepted_at so far: grows with enq, also when the clock goes back
  deadline REAL NOT NULL,
  open INTEGER NOT NULL, -- 1 until it ends
  state TEXT NOT NULL,
  phase TEXT,
  attempt INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  seq INTEGER,
  updated_at REAL NOT NULL,
  finished_at REAL,
  message TEXT NOT NULL, -- JSON
  UNIQUE (tenant, id)
) STRICT;
CREATE UNIQUE INDEX event_key ON event (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX event_open ON event (tenant, agent, state, priority DESC) WHERE open = 1;
CREATE INDEX event_due ON event (deadline) WHERE open = 1;
CREATE INDEX event_list ON event (tenant);
CREATE INDEX event_agent ON event (tenant, agent);
CREATE INDEX event_state ON event (tenant, state);
CREATE INDEX event_type ON event (tenant, type);
CREATE INDEX event_accepted ON event (tenant, accepted_upto);

CREATE TABLE spec (
  enq INTEGER PRIMARY KEY REFERENCES event ON DELETE CASCADE,
  head TEXT NOT NULL, -- JSON
  payload TEXT NOT NULL -- JSON
) STRICT;

CREATE TABLE outcome (
  enq INTEGER PRIMARY KEY REFERENCES event ON DELETE CASCADE,
  result TEXT, -- JSON
  error TEXT -- JSON
) STRICT;

CREATE TABLE history (
  change INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  enq INTEGER NOT NULL REFERENCES event ON DELETE CASCADE,
  revision INTEGER NOT NULL,
  status TEXT NOT NULL, -- JSON
  UNIQUE (enq, revision)
) STRICT;
CREATE INDEX history_tenant ON history (tenant);

CREATE TABLE label (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  enq INTEGER NOT NULL REFERENCES event ON DELETE CASCADE,
  PRIMARY KEY (tenant, name, value, enq)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_event ON label (enq);

CREATE TABLE agent (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  link_version INTEGER NOT NULL,
  instance TEXT NOT NULL,
  epoch TEXT NOT NULL,
  gen INTEGER NOT NULL,
  next_seq INTEGER NOT NULL,
  status_upto INTEGER NOT NULL,
  created_at REAL NOT NULL,
  seen_at REAL NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  registration TEXT NOT NULL, -- JSON
  executors TEXT NOT NULL, -- JSON
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, id) REFERENCES agent ON DELETE CASCADE
) STRICT;

CREATE TABLE probe (id INTEGER PRIMARY KEY, commits INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
`];
