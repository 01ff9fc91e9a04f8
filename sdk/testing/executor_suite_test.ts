import {
  defineExecutor,
  type EventKind,
  type Schema,
  TransporterError,
} from "../mod.ts";
import { testExecutor } from "./executor_suite.ts";

interface Note {
  readonly text: string;
}

function isNote(value: unknown): value is Note {
  return typeof value === "object" && value !== null && "text" in value &&
    typeof value.text === "string";
}

const schema: Schema<Note> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      isNote(value)
        ? { value }
        : { issues: [{ message: "must be a text", path: ["text"] }] },
  },
};

const kind: EventKind = {
  type: "note",
  // deno-lint-ignore require-await -- a refusal must reject, not throw
  async check(payload) {
    if (!isNote(payload)) {
      throw new TransporterError("invalid", "Cannot accept the note");
    }
  },
  repeatable: () => true,
};

const kept = new Set<string>();

testExecutor("note", {
  open: () =>
    Promise.resolve(
      defineExecutor<Note, Note, { written: string }>({
        type: "note",
        version: "1.0.0",
        schema,
        validate: (note) => Promise.resolve(note),
        apply(note, { idempotencyKey }) {
          kept.add(idempotencyKey);
          return Promise.resolve({ written: note.text });
        },
        acknowledged({ idempotencyKey }) {
          kept.delete(idempotencyKey);
          return Promise.resolve();
        },
        verify: () => Promise.resolve(),
        keys: () => ["notes"],
        repeatable: () => true,
      }),
    ),
  kind,
  payload: () => ({ text: "hello" }),
  badPayloads: { "no text": {}, "a text that is a number": { text: 7 } },
});
