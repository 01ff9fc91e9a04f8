/**
 * The schema, as the steps that led to it. A step that was released is never
 * edited: a new one is added.
 *
 * - `event`: what changes with every status; small rows.
 * - `spec`: what was asked; written once, may be large.
 * - `outcome`: what an event led to; written when it ends, may be large.
 * - `history`: every entry of every event; a row has those of one event that
 *   were committed together. The row id counts the changes of all events, and is
 *   that of the newest entry of the row. An event names its newest row, and each
 *   row the one before: an index would be one more page of each commit.
 * - `label`: for finding events by label.
 * - `log`: what attempts put out.
 * - `tombstone`: the ids of events that are not kept any more.
 * - `agent`, `profile`: the agent's counters, and what it said of itself.
 * - `counter`: the highest numbers ever given, which are never given again, and
 *   what takes long to count, as of when rows were last removed: `sqlite_counters.ts`.
 *
 * Text that anybody may have written is kept as JSON, since the runtime reads a
 * column only up to its first NUL character. Times are milliseconds since 1970.
 * An index ends with the row id, `enq` or `change`, and so has its order. There
 * are as few indexes as the questions allow, since each costs with every event.
 *
 * @module
 */

/** `MIGRATIONS[n]` leads from version n to n + 1; `PRAGMA user_version` has the file's. */
export const MIGRATIONS: readonly string[] = [
  `
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
`,
  `
CREATE TABLE event_2 (
  enq INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  idempotency_key TEXT,
  agent TEXT NOT NULL,
  type TEXT NOT NULL,
  digest TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  accepted_at REAL NOT NULL,
  accepted_upto REAL NOT NULL, -- the latest accepted_at so far: grows with enq, also when the clock goes back
  rank REAL NOT NULL, -- the lowest is released first
  deadline REAL NOT NULL,
  ready_at REAL, -- while it is queued: not to be released before
  due_at REAL NOT NULL, -- while it is open: when time alone changes something
  stage INTEGER NOT NULL, -- 1 while it waits, 2 while its agent has it, 3 before it was queued, 0 when it has ended
  state TEXT NOT NULL,
  phase TEXT,
  attempt INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  seq INTEGER,
  updated_at REAL NOT NULL,
  finished_at REAL,
  message TEXT NOT NULL, -- JSON
  notes TEXT NOT NULL -- JSON
) STRICT;
INSERT INTO event_2
  SELECT enq, tenant, id, idempotency_key, agent, type, digest, bytes, accepted_at, accepted_upto,
    accepted_upto - priority * 60000, deadline, NULL,
    CASE WHEN state IN ('assigned', 'in_progress') THEN deadline + 60000 ELSE deadline END,
    CASE WHEN open = 0 THEN 0 WHEN state IN ('assigned', 'in_progress') THEN 2
      WHEN state = 'created' THEN 3 ELSE 1 END,
    state, phase, attempt, revision, seq, updated_at, finished_at, message, '{}'
  FROM event;

CREATE TABLE spec_2 (enq INTEGER PRIMARY KEY, head TEXT NOT NULL, payload TEXT NOT NULL) STRICT;
INSERT INTO spec_2 SELECT enq, head, payload FROM spec;
CREATE TABLE outcome_2 (enq INTEGER PRIMARY KEY, result TEXT, error TEXT) STRICT;
INSERT INTO outcome_2 SELECT enq, result, error FROM outcome;
CREATE TABLE history_2 (
  change INTEGER PRIMARY KEY,
  enq INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  status TEXT NOT NULL -- JSON
) STRICT;
INSERT INTO history_2 SELECT change, enq, revision, status FROM history;
CREATE TABLE label_2 (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  enq INTEGER NOT NULL,
  PRIMARY KEY (tenant, name, value, enq)
) STRICT, WITHOUT ROWID;
INSERT INTO label_2 SELECT tenant, name, value, enq FROM label;
CREATE TABLE agent_2 (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  link_version INTEGER NOT NULL,
  instance TEXT NOT NULL,
  epoch TEXT NOT NULL,
  gen INTEGER NOT NULL,
  next_seq INTEGER NOT NULL,
  status_upto INTEGER NOT NULL,
  paused_at REAL,
  deleted INTEGER NOT NULL, -- 1 when it was forgotten: its generation is not
  created_at REAL NOT NULL,
  seen_at REAL NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
INSERT INTO agent_2
  SELECT tenant, id, link_version, instance, epoch, gen, next_seq, status_upto, NULL, 0, created_at, seen_at
  FROM agent;
CREATE TABLE profile_2 (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  registration TEXT NOT NULL, -- JSON
  executors TEXT NOT NULL, -- JSON
  PRIMARY KEY (tenant, id)
) STRICT;
INSERT INTO profile_2 SELECT tenant, id, registration, executors FROM profile;

CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO counter VALUES
  ('enq', (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event')),
  ('change', (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'history')),
  ('ended', (SELECT count(*) FROM event WHERE open = 0)), -- events there are that have ended
  ('commits', (SELECT commits FROM probe));

DROP TABLE label;
DROP TABLE history;
DROP TABLE outcome;
DROP TABLE spec;
DROP TABLE event;
DROP TABLE profile;
DROP TABLE agent;
DROP TABLE probe;
ALTER TABLE event_2 RENAME TO event;
ALTER TABLE spec_2 RENAME TO spec;
ALTER TABLE outcome_2 RENAME TO outcome;
ALTER TABLE history_2 RENAME TO history;
ALTER TABLE label_2 RENAME TO label;
ALTER TABLE agent_2 RENAME TO agent;
ALTER TABLE profile_2 RENAME TO profile;

CREATE UNIQUE INDEX event_id ON event (tenant, id);
CREATE UNIQUE INDEX event_key ON event (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX event_queue ON event (tenant, agent, rank, enq, ready_at) WHERE stage = 1;
CREATE INDEX event_released ON event (tenant, agent, seq) WHERE stage = 2;
CREATE INDEX event_open ON event (tenant) WHERE stage > 0;
CREATE INDEX event_due ON event (due_at) WHERE stage > 0;
CREATE INDEX event_ended ON event (tenant, state) WHERE stage = 0;
CREATE INDEX event_finished ON event (finished_at) WHERE stage = 0;
CREATE INDEX event_list ON event (tenant);
CREATE INDEX event_agent ON event (tenant, agent);
CREATE INDEX event_type ON event (tenant, type);
CREATE INDEX history_event ON history (enq);
CREATE INDEX label_event ON label (enq);

CREATE TABLE log (
  n INTEGER PRIMARY KEY,
  enq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  stream TEXT NOT NULL,
  off INTEGER NOT NULL,
  trunc INTEGER NOT NULL,
  data TEXT NOT NULL -- JSON
) STRICT;
CREATE INDEX log_event ON log (enq);

CREATE TABLE tombstone (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  idempotency_key TEXT,
  digest TEXT NOT NULL,
  state TEXT NOT NULL,
  until REAL NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstone_key ON tombstone (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX tombstone_until ON tombstone (until);
`,
  `
CREATE TABLE history_3 (
  change INTEGER PRIMARY KEY, -- of the last of the entries; those before it have the numbers before
  enq INTEGER NOT NULL,
  entries TEXT NOT NULL -- JSON, a list
) STRICT;
INSERT INTO history_3
  SELECT change, enq, '[' || substr(status, 1, length(status) - 1) || ',"revision":' || revision || '}]'
  FROM history;
DROP TABLE history;
ALTER TABLE history_3 RENAME TO history;
CREATE INDEX history_event ON history (enq);
`,
  // Not that of seen_at: versions up to 3 moved that on while an agent was still to tell what it remembers.
  `
ALTER TABLE agent ADD COLUMN told_at REAL; -- the last seen_at while all that it remembers was here
`,
  // Fewer pages for each commit: one index in place of three, and none of histories.
  `
DROP INDEX event_open;
DROP INDEX event_ended;
DROP INDEX event_finished;
DROP INDEX event_list;
ALTER TABLE event ADD COLUMN last_change INTEGER; -- its newest row of history
UPDATE event SET -- one that has ended has a stage for its state: 0 completed, -1 failed, -2 expired, -3 cancelled
  stage = CASE state WHEN 'failed' THEN -1 WHEN 'expired' THEN -2 WHEN 'cancelled' THEN -3 ELSE stage END,
  last_change = (SELECT max(change) FROM history WHERE history.enq = event.enq);
CREATE INDEX event_list ON event (tenant, stage);
CREATE INDEX event_finished ON event (finished_at) WHERE finished_at IS NOT NULL;

ALTER TABLE history ADD COLUMN previous INTEGER; -- the row before it of the same event
ALTER TABLE history ADD COLUMN ended INTEGER; -- events there were that had ended
UPDATE history SET previous = (
  SELECT max(change) FROM history AS earlier WHERE earlier.enq = history.enq AND earlier.change < history.change
);
DROP INDEX history_event;
`,
];
