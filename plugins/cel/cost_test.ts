import { ok, throws } from "node:assert/strict";
import { compile, CostError, DYN, Meter } from "./mod.ts";

const text = "a".repeat(10_000_000);
const list = Array.from({ length: 1_000 }, (_, index) => index);
const object = {
  text,
  list,
  regex: "(a?){200}a{200}",
  map: Object.fromEntries(list.map((index) => [`k${index}`, index])),
};

/** Each would run for seconds, minutes or for ever. */
const HOSTILE: readonly string[] = [
  "object.text.matches('^(a+)+$')",
  "object.text.matches(object.regex)",
  "object.list.all(a, object.list.all(b, object.list.all(c, true)))",
  "object.list.map(a, object.list.map(b, a * b)).size() > 0",
  "object.list.all(a, object.text.size() > 0)",
  "object.list.all(a, object.text == object.text + 'x')",
  "object.list.all(a, object.text.contains('b') || object.text.size() > 0)",
  "object.list.map(a, object.text + object.text).join('').size()",
  "object.text.replace('', object.text).size()",
  "lists.range(1000000000).size() > 0",
  "object.list.all(a, object.list.distinct().size() > 0)",
  "object.list.all(a, object.list.sortBy(x, -x).size() > 0)",
  "object.list.all(a, !string(a).matches('a{' + string(a % 900 + 1) + '}b'))",
  "object.list.all(a, '%s'.format([object.list]) != '')",
  "object.list.all(a, isURL(object.text) || true)",
  "object.list.all(a, bytes(object.text).size() > 0)",
  "object.list.all(a, duration(object.text) > duration('1s') || true)",
  "object.list.all(a, format.dns1123Label().validate(object.text).hasValue())",
  "object.list.all(a, object.list.all(b, timestamp(0).getHours('Europe/Berlin') >= 0))",
  "object.list.all(a, object.map.transformList(k, v, v).sort().size() > 0)",
];

Deno.test("an expression that takes too long is stopped by what it costs", async (t) => {
  for (const expression of HOSTILE) {
    await t.step(expression, () => {
      const program = compile(expression, { object: DYN });
      const meter = new Meter();
      throws(() => program.run([object], meter), CostError);
    });
  }
});

Deno.test("a meter with a smaller limit stops an expression sooner", () => {
  const program = compile("[1, 2, 3].all(x, x > 0)", {});
  const meter = new Meter();
  ok(program.run([], meter));
  throws(() => program.run([], new Meter(meter.cost - 1)), CostError);
  ok(program.run([], new Meter(meter.cost)));
});
