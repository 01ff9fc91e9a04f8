import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type ApplyOutcome,
  type Change,
  changeOf,
  type LiveObject,
  metadataOf,
} from "./change.ts";

const ANSWERED_AT = Date.parse("2026-11-23T05:10:00Z");

/** An object whose last change by us was this many seconds before the answer. */
function live(
  secondsAgo: number | undefined,
  rest: LiveObject = {},
  version = "2",
): LiveObject {
  const time = secondsAgo === undefined
    ? ""
    : new Date(ANSWERED_AT - secondsAgo * 1000).toISOString().replace(
      ".000Z",
      "Z",
    );
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: "a",
      uid: "u",
      resourceVersion: version,
      creationTimestamp: "2026-11-23T05:00:00Z",
      managedFields: [
        {
          manager: "kubectl",
          operation: "Update",
          time: "2026-11-23T05:10:00Z",
        },
        {
          manager: "transporter",
          operation: "Update",
          time: "2026-11-23T05:10:00Z",
        },
        {
          manager: "transporter",
          operation: "Apply",
          subresource: "status",
          time: "2026-11-23T05:10:00Z",
        },
        ...(time === "" ? [] : [{
          manager: "transporter",
          operation: "Apply",
          time,
          fieldsV1: {},
        }]),
      ],
    },
    data: { a: "b" },
    ...rest,
  };
}

const CASES: Readonly<
  Record<string, readonly [Partial<ApplyOutcome>, Change]>
> = {
  "201": [{ status: 201 }, "created"],
  "201 although it was there a moment ago": [
    { status: 201, before: live(100) },
    "created",
  ],
  "an entry of just now, nobody looked": [{ after: live(0) }, "configured"],
  "an old entry, nobody looked": [{ after: live(60) }, "unchanged"],
  "an entry from before a slow request": [
    { after: live(60), tookMs: 50_000 },
    "unchanged",
  ],
  "an entry from within a slow request": [
    { after: live(40), tookMs: 50_000 },
    "configured",
  ],
  "an entry a second old, which clocks cannot tell": [
    { after: live(1) },
    "configured",
  ],
  "no entry": [{ after: live(undefined) }, "configured"],
  "no Date header": [{ after: live(60), answeredAt: NaN }, "configured"],
  "made by somebody else since we looked": [
    { before: null, after: live(0) },
    "configured",
  ],
  "made by a try whose answer was lost": [{
    before: null,
    after: live(0),
    uncertain: true,
  }, "created"],
  "made by a lost try, nobody looked": [{
    after: live(600),
    uncertain: true,
    tookMs: 700_000,
  }, "created"],
  "made by a lost try before anybody looked": [{
    before: live(600),
    after: live(600),
    maybeMade: true,
    tookMs: 700_000,
  }, "created"],
  "an older one, looked at after a lost try": [
    { before: live(0), after: live(0), maybeMade: true },
    "unchanged",
  ],
  "an old object after a lost try": [
    { after: live(0), uncertain: true },
    "configured",
  ],
  "the same as a moment ago": [
    { before: live(1), after: live(1) },
    "unchanged",
  ],
  "the same but for bookkeeping": [
    {
      before: live(undefined, {}, "1"),
      after: live(0, { status: { phase: "Active" } }, "2"),
    },
    "unchanged",
  ],
  "other data than a moment ago": [
    { before: live(1, { data: { a: "a" } }, "1"), after: live(0) },
    "configured",
  ],
  "changed by others only": [{
    before: live(60, {}, "1"),
    after: live(60, { data: {} }),
  }, "unchanged"],
};

Deno.test("changeOf() tells what an apply did from what others did", async (t) => {
  for (const [name, [outcome, expected]] of Object.entries(CASES)) {
    await t.step(name, () =>
      strictEqual(
        changeOf({
          status: 200,
          after: live(0),
          before: undefined,
          manager: "transporter",
          answeredAt: ANSWERED_AT,
          tookMs: 5,
          uncertain: false,
          ...outcome,
        }),
        expected,
      ));
  }
});

Deno.test("metadataOf() takes anything for an object", () => {
  deepStrictEqual(
    metadataOf({ metadata: { finalizers: ["f"], managedFields: "x" } }),
    {
      uid: "",
      resourceVersion: "",
      creationTimestamp: "",
      deletionTimestamp: "",
      finalizers: ["f"],
    },
  );
  strictEqual(metadataOf({}).uid, "");
});
