import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { headers } from "@nats-io/transport-node";
import {
  agentOf,
  readParcel,
  subjectsOf,
  writeParcel,
} from "./nats_subjects.ts";

Deno.test("subjectsOf() gives each agent names of its own, and agentOf() reads the id back", () => {
  const ids = ["edge-7", "eu.edge-7", "eu-edge-7", "a.b.c", "A_1"];
  const names = ids.flatMap((id) => {
    const { reg, up, down, inbox, consumer } = subjectsOf("default", id);
    strictEqual(agentOf(reg), id);
    for (const subject of [reg, up, down]) {
      strictEqual(subject.split(".").length, 5, subject);
    }
    strictEqual(/[.*>\s]/.test(consumer), false, consumer);
    return [reg, up, down, inbox];
  });
  strictEqual(new Set(names).size, names.length);
});

Deno.test("readParcel() reads what writeParcel() wrote, of its session only", () => {
  for (
    const parcel of [
      { n: 1 },
      { n: 2 ** 40 },
      { taken: 7 },
      { n: 9, lengths: [4, 0, 12] },
      { n: 3, close: 1000 },
      { n: 4, close: 4409 },
    ]
  ) {
    const written = writeParcel("s1", parcel);
    deepStrictEqual(readParcel("s1", written), parcel);
    strictEqual(readParcel("s", written), undefined);
    strictEqual(readParcel("s2", written), undefined);
  }
});

Deno.test("readParcel() takes nothing that is no parcel", () => {
  strictEqual(readParcel("s", undefined), undefined);
  for (
    const id of [
      "",
      "s",
      "s:",
      "s:0",
      "s:-1",
      "s:1.5",
      "s:1e3",
      "s:0x1",
      `s:${"9".repeat(16)}`,
    ]
  ) {
    const found = headers();
    found.set("Nats-Msg-Id", id);
    strictEqual(readParcel("s", found), undefined, id);
  }
  const odd = headers();
  odd.set("Nats-Msg-Id", "s:1");
  odd.set("Tp-Close", "soon");
  deepStrictEqual(readParcel("s", odd), { n: 1, close: 1011 });
});
