import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { formatVerdict, judge } from "./judge.ts";
import { entryLine, readHistory } from "./lines.ts";
import { end, mark, read, session, start, submit } from "./sample.ts";

const history = [
  submit("a", 1),
  session(1, 2),
  start("a", 3),
  end("a", 4),
  mark("settled", 5),
  read("a", 6, "completed"),
];

Deno.test("readHistory() reads what entryLine() writes, and leaves half a last line out", () => {
  const text = history.map(entryLine).join("");
  deepStrictEqual(readHistory(text), history);
  deepStrictEqual(readHistory(`${text}{"kind":"sta`), history);
});

Deno.test("readHistory() refuses a line that is no entry, and names it", () => {
  const bad: readonly [string, RegExp][] = [
    ["{", /line 2 of the history as it is not JSON/],
    ["[]", /not an object/],
    ['{"kind":"stop","at":1}', /no kind "stop"/],
    [
      '{"kind":"exit","at":1}',
      /"process" of its kind "exit" must be of type string/,
    ],
    ['{"kind":"exit","process":"p"}', /"at"/],
  ];
  for (const [line, message] of bad) {
    const text = `${entryLine(mark("healed", 1))}${line}\n`;
    throws(() => readHistory(text), { code: "invalid", message });
  }
});

Deno.test("judge() counts what there was, and formatVerdict() names every violation", () => {
  strictEqual(
    formatVerdict(judge(history)),
    "1 accepted, 0 recovered, 1 ended, 1 starts, 1 reads, 0 faults: 0 violations",
  );
  strictEqual(
    formatVerdict(judge([...history, start("a", 4)])),
    [
      'G2 duplicated: Attempt 1 at event "a" started twice',
      "1 accepted, 0 recovered, 1 ended, 2 starts, 1 reads, 0 faults: 1 violations",
    ].join("\n"),
  );
});
