/**
 * Histories as files.
 *
 * @module
 */
import { isRecord, TransporterError } from "@transporter/sdk";
import type { Entry } from "./entry.ts";

/** The fields that each kind of entry must have, and their types. */
const FIELDS: Readonly<
  Record<Entry["kind"], Readonly<Record<string, string>>>
> = {
  submit: {
    end: "number",
    event: "string",
    agent: "string",
    outcome: "string",
    priority: "number",
    ttlMs: "number",
    repeatable: "boolean",
  },
  operate: { end: "number", op: "string", outcome: "string" },
  start: {
    agent: "string",
    event: "string",
    attempt: "number",
    process: "string",
  },
  end: {
    agent: "string",
    event: "string",
    attempt: "number",
    outcome: "string",
  },
  output: { event: "string", attempt: "number", text: "string" },
  boot: { process: "string", concurrency: "number" },
  exit: { process: "string" },
  limits: { windowBytes: "number" },
  crash: { process: "string", reason: "string" },
  read: {
    end: "number",
    event: "string",
    state: "string",
    attempt: "number",
    revision: "number",
  },
  history: { end: "number", event: "string", entries: "object" },
  logs: { end: "number", event: "string", pieces: "object" },
  list: { end: "number", state: "string", events: "object" },
  session: { agent: "string", gen: "number", what: "string" },
  fault: { what: "string", target: "string" },
  restore: { copiedAt: "number" },
  gap: { events: "object" },
  handed: { event: "string" },
  told: { event: "string", state: "string" },
  mark: { what: "string" },
};

/** One entry as a line, with its line break. */
export function entryLine(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * Reads a history. Half a last line, as a writer that was killed leaves it
 * behind, is left out.
 *
 * @param text JSON objects, one a line.
 * @throws {TransporterError} `invalid` for a line that is no entry, naming it.
 */
export function readHistory(text: string): Entry[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.flatMap((line, i) => line === "" ? [] : [readLine(line, i + 1)]);
}

function readLine(line: string, number: number): Entry {
  const fault = (problem: string) =>
    new TransporterError(
      "invalid",
      `Cannot read line ${number} of the history as ${problem}`,
    );
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw fault("it is not JSON");
  }
  if (!isRecord(value)) throw fault("it is not an object");
  const kind = String(value["kind"]);
  if (!isKind(kind)) throw fault(`there is no kind "${kind}"`);
  for (
    const [name, type] of Object.entries({ at: "number", ...FIELDS[kind] })
  ) {
    const found = typeof value[name];
    if (found !== type) {
      throw fault(`"${name}" of its kind "${kind}" must be of type ${type}`);
    }
  }
  return value as unknown as Entry;
}

function isKind(kind: string): kind is Entry["kind"] {
  return Object.hasOwn(FIELDS, kind);
}
