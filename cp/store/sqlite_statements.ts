import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SQL } from "./sqlite_queries.ts";

/** The statements of {@linkcode SQL}, prepared. */
export type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>;

/** Prepares them, once for each database. */
export function prepareAll(db: DatabaseSync): Statements {
  return Object.fromEntries(
    Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)]),
  ) as Statements;
}
