import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { readManifests } from "./bundle.ts";
import { givenUp } from "./give_up.ts";
import { bodyLike, ignoredFields, withoutIgnored } from "./ignore_fields.ts";

const TOP = "apiVersion: v1\nkind: A\nmetadata: {name: a}\n";

/** What is left of a manifest, and what is sent to ask what would happen. */
function left(text: string, pointers: string[], live: unknown = {}) {
  const objects = readManifests([TOP + text]);
  const ignored = ignoredFields(
    [{ api_version: "v1", kind: "A", pointers }],
    objects,
  );
  const [[object, found] = []] = [...ignored];
  if (object === undefined || found === undefined) throw new RangeError();
  const body = bodyLike(
    { ...object, ignored: found },
    live as Record<string, unknown>,
  );
  return { ...found, body: found.body, like: body };
}

Deno.test("ignoredFields() takes fields out of the text, and keeps every byte around them", () => {
  for (
    const [text, pointer, wanted] of [
      [
        "spec:\n  replicas: 3 # a few\n  x: 0644\n",
        "/spec/replicas",
        "spec:\n  x: 0644\n",
      ],
      ["spec: {replicas: 3, x: 1}\n", "/spec/replicas", "spec: {x: 1}\n"],
      ["spec:\n  replicas: 3\nx: 1\n", "/spec/replicas", "x: 1\n"],
      [
        "l:\n- name: a\n  v: 1\n- v: 2\n  name: b\n",
        "/l/0/v",
        "l:\n- name: a\n- v: 2\n  name: b\n",
      ],
      [
        "l:\n- name: a\n  v: 1\n- v: 2\n  name: b\n",
        "/l/1/v",
        "l:\n- name: a\n  v: 1\n- name: b\n",
      ],
      ["spec: {a/b~c: 1, x: 1}\n", "/spec/a~1b~0c", "spec: {x: 1}\n"],
      ["spec: {x: 1}\n", "/spec/nothing/here", "spec: {x: 1}\n"],
    ] as const
  ) strictEqual(left(text, [pointer]).body, TOP + wanted, pointer);
});

Deno.test("ignoredFields() refuses what cannot be left alone, by one sentence", () => {
  for (
    const [text, pointer, message] of [
      ["x: 1\n", "/kind", /"\/kind" is what tells objects apart/],
      ["x: 1\n", "/metadata/name", /is what tells objects apart/],
      ["l: [{v: 1}, {v: 2}]\n", "/l/0", /"\/l\/0" is an element of a list/],
      ["l: [{v: 1}]\n", "/l/0/v", /is an element of a list/],
      ["x: &a {b: 1, c: 2}\nz: *a\n", "/z/b", /cannot be rewritten/],
      ["x: {b: &a 1, c: 2}\nz: *a\n", "/x/b", /cannot be rewritten/],
    ] as const
  ) throws(() => left(text, [pointer]), { message }, pointer);
});

Deno.test("bodyLike() has fields as they are, wherever their element stands", () => {
  const live = { l: [{ name: "b", v: 9 }, { name: "a", v: 8, w: [1] }] };
  const { like } = left("l:\n- name: a\n  v: 1\n- name: b\n  v: 2\n", [
    "/l/0/v",
    "/l/1/v",
  ], live);
  strictEqual(like, `${TOP}l:\n- name: a\n  "v": 8\n- name: b\n  "v": 9\n`);
  strictEqual(
    left("x: {v: 1, w: 2}\n", ["/x/v"], { x: {} }).like,
    `${TOP}x: {w: 2}\n`,
  );
});

Deno.test("withoutIgnored() leaves out fields, and what is empty without them", () => {
  const ignored = left("l: [{name: a, v: 1}, {name: b}]\nm: {k: 1}\n", [
    "/l/0/v",
    "/m/k",
  ]);
  deepStrictEqual(
    withoutIgnored(
      { l: [{ name: "b", v: 2 }, { name: "a", v: 3 }], m: { k: 1 }, x: 1 },
      ignored,
    ),
    { l: [{ name: "b", v: 2 }, { name: "a" }], x: 1 },
  );
});

Deno.test("givenUp() takes fields out of what our applies own, and of nothing else", () => {
  const ignored = left(
    "spec: {replicas: 3, l: [{port: 80, v: 1}, {port: 81}], whole: [{v: 1, w: 2}]}\n",
    ["/spec/replicas", "/spec/l/0/v"],
  );
  const entry = (manager: string, operation: string) => ({
    manager,
    operation,
    apiVersion: "v1",
    fieldsV1: {
      "f:spec": {
        "f:replicas": {},
        "f:l": {
          'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:v": {} },
          'k:{"port":81,"protocol":"TCP"}': { ".": {}, "f:v": {} },
        },
      },
    },
  });
  const other = entry("hpa", "Apply");
  const after = givenUp([entry("us", "Apply"), other], "us", ignored);
  deepStrictEqual(after, [{
    ...entry("us", "Apply"),
    fieldsV1: {
      "f:spec": {
        "f:l": {
          'k:{"port":80,"protocol":"TCP"}': { ".": {} },
          'k:{"port":81,"protocol":"TCP"}': { ".": {}, "f:v": {} },
        },
      },
    },
  }, other]);
  strictEqual(givenUp(after ?? [], "us", ignored), undefined);
  strictEqual(givenUp([entry("us", "Update")], "us", ignored), undefined);
  const only = { ...other, fieldsV1: { "f:spec": { "f:replicas": {} } } };
  deepStrictEqual(givenUp([only], "hpa", ignored), []);

  const part = left("whole: [{v: 1, w: 2}]\n", ["/whole/0/v"]);
  const whole = { ...other, fieldsV1: { "f:whole": {} } };
  throws(() => givenUp([whole], "us", part), {
    message: /"\/whole\/0\/v" alone: what it is a part of is owned as a whole/,
  });
});
