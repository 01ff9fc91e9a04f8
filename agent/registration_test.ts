import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { JournalEntry } from "./journal_record.ts";
import { readLabels, recvOf, registrationOf } from "./registration.ts";

Deno.test("registrationOf() names capabilities as v1 does, and leaves out what is not known", () => {
  const types = ["k8s_resource", "script", "dance"];
  const executors = types.map((type) => ({ type, version: "1.0.0" }));
  const registration = registrationOf(
    { id: "edge", name: "edge", cluster_name: "edge", version: "0.1.0" },
    {
      executors,
      meta: { instance: "i", agent: "edge", epoch: "e", seq: 9 },
      recv: 7,
      inventory: { count: 1, sha256: "sha256:0" },
      window: 3,
      clock: "now",
    },
  );
  deepStrictEqual(registration, {
    type: "registration",
    id: "edge",
    name: "edge",
    cluster_name: "edge",
    version: "0.1.0",
    capabilities: ["k8s_crud", "script_exec", "dance"],
    link: {
      versions: [2, 1],
      features: [
        "ack",
        "parts",
        "resume",
        "credit",
        "cancel",
        "drain",
        "logs",
        "log_ack",
        "backlog",
      ],
      instance: "i",
      resume: {
        epoch: "e",
        recv: 7,
        seen: 9,
        inventory: { count: 1, sha256: "sha256:0" },
      },
      window: 3,
      max_frame: 524_288,
      clock: "now",
      executors,
    },
  });
});

Deno.test("recvOf() is before the first event whose body is gone", () => {
  const entry = (
    seq: number,
    stage: JournalEntry["stage"],
    epoch = "e",
  ): JournalEntry => ({
    id: `e${seq}`,
    attempt: 1,
    digest: "",
    deadline: 0,
    epoch,
    seq,
    stage,
    sid: 0,
    acknowledged: false,
  });
  const meta = { instance: "i", agent: "edge", epoch: "e", seq: 9 };
  const held = (id: string) => id === "e3";
  const finished = [entry(1, "finished"), entry(3, "begun")];
  strictEqual(recvOf(meta, finished, held), 9);
  strictEqual(recvOf(meta, [...finished, entry(7, "received")], held), 6);
  strictEqual(recvOf(meta, [...finished, entry(2, "begun", "old")], held), 9);
});

Deno.test("readLabels() reads labels, and refuses what is none", () => {
  deepStrictEqual(readLabels(["team=payments", "a/b=", "note=x=y"]), {
    team: "payments",
    "a/b": "",
    note: "x=y",
  });
  for (const bad of ["team", "=x", ""]) {
    throws(() => readLabels([bad]), { code: "usage" });
  }
});
