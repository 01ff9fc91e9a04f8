import { strictEqual } from "node:assert/strict";
import { plain } from "./paint.ts";
import { type Column, Table } from "./table.ts";

interface Row {
  readonly id: string;
  readonly state: string;
  readonly message: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { name: "ID", cell: ({ id }) => id, whole: true },
  { name: "STATE", cell: ({ state }) => ({ text: state, style: "good" }) },
  { name: "MESSAGE", cell: ({ message }) => message },
];

const ROWS: readonly Row[] = [
  {
    id: "01KARQ0Q3TZT3K8QX9M2N5P7R1",
    state: "completed",
    message: "日本 done",
  },
  {
    id: "b",
    state: "failed",
    message: "Deployment \u001b[2Jweb is not ready after five minutes",
  },
];

Deno.test("Table.head() lines columns up by their width on the terminal", () => {
  const table = new Table(COLUMNS, { columns: undefined, paint: plain });
  strictEqual(
    table.head(ROWS),
    "ID                           STATE       MESSAGE\n" +
      "01KARQ0Q3TZT3K8QX9M2N5P7R1   completed   日本 done\n" +
      "b                            failed      Deployment \\u001b[2Jweb is not ready after five minutes\n",
  );
});

Deno.test("Table.head() cuts the widest columns to fit, and never those that people copy", () => {
  const table = new Table(COLUMNS, { columns: 60, paint: plain });
  strictEqual(
    table.head(ROWS),
    "ID                           STATE       MESSAGE\n" +
      "01KARQ0Q3TZT3K8QX9M2N5P7R1   completed   日本 done\n" +
      "b                            failed      Deployment \\u001b[…\n",
  );
});

Deno.test("Table.head() keeps the least widths on a terminal that is too narrow", () => {
  const table = new Table(COLUMNS, { columns: 10, paint: plain });
  strictEqual(
    table.head(ROWS.slice(0, 1)),
    "ID                           STATE    MESSAGE\n" +
      "01KARQ0Q3TZT3K8QX9M2N5P7R1   compl…   日本 d…\n",
  );
});

Deno.test("Table.row() stands in the columns of the head", () => {
  const table = new Table(COLUMNS, { columns: undefined, paint: plain });
  table.head(ROWS.slice(1));
  strictEqual(
    table.row({ id: "c", state: "ok", message: "m" }),
    "c    ok       m\n",
  );
});

Deno.test("Table gives colour to words, not to the space between them", () => {
  const table = new Table(COLUMNS, {
    columns: undefined,
    paint: (text, style) => style === undefined ? text : `<${text}>`,
  });
  strictEqual(
    table.head([{ id: "a", state: "ok", message: "m" }]).split("\n")[1],
    "a    <ok>      m",
  );
});
