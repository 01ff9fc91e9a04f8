import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { ListPage } from "./list_page.ts";

const encoder = new TextEncoder();

function read(text: string, pieces = 1) {
  const page = new ListPage();
  const bytes = encoder.encode(text);
  const length = Math.ceil(bytes.length / pieces);
  page.begin();
  for (let at = 0; at < bytes.length; at += length) {
    page.add(bytes.subarray(at, at + length));
  }
  const envelope = page.open();
  strictEqual(page.size, bytes.length);
  const items = [...page.items()];
  strictEqual(page.length, items.length);
  return { envelope, items };
}

const LISTS: Readonly<Record<string, unknown>> = {
  "metadata first": {
    kind: "PodList",
    metadata: { continue: "c", items: [{ no: 1 }] },
    items: [{ a: 1 }, { items: [{ b: [[]] }] }],
  },
  "metadata last": {
    apiVersion: "v1",
    items: [{ "items": 'é"]}\\', b: {} }],
    kind: "items",
    metadata: {},
  },
  "without items": { items: [], metadata: {} },
};

for (const [name, list] of Object.entries(LISTS)) {
  Deno.test(`ListPage reads items one after the other: ${name}`, () => {
    const { items, ...others } = list as { items: unknown[] };
    for (const text of [JSON.stringify(list), JSON.stringify(list, null, 2)]) {
      const found = read(text, 7);
      deepStrictEqual(found.envelope, { ...others, items: [] });
      deepStrictEqual(found.items, items);
    }
  });
}

Deno.test("ListPage finds the items of any list", () => {
  fc.assert(fc.property(
    fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()),
    fc.array(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue())),
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.boolean(),
    (before, items, after, isShown) => {
      const list = Object.assign({ ...before }, after, { items });
      const text = JSON.stringify(list, null, isShown ? 1 : 0);
      deepStrictEqual(read(text).items, JSON.parse(text).items);
    },
  ));
});

Deno.test("ListPage has no items where there is no list of them", () => {
  for (const list of [{ items: null }, { kind: "Status" }, { items: {} }]) {
    deepStrictEqual(read(JSON.stringify(list)), { envelope: list, items: [] });
  }
});

Deno.test("ListPage forgets the page before", () => {
  const page = new ListPage();
  for (const text of ['{"items":[{"a":1},{"a":2}]}', '{"items":[{"a":3}]}']) {
    page.begin();
    page.add(encoder.encode(text));
    page.open();
  }
  deepStrictEqual([...page.items()], [{ a: 3 }]);
});

Deno.test("ListPage says what is no JSON", () => {
  for (const text of ["", "<html>", '{"items":[{"a":1},', "[]", '"items"']) {
    throws(() => read(text), SyntaxError, text);
  }
  throws(() => read('{"items":[{"a":1},{b}]}'), SyntaxError);
});
