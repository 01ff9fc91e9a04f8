import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { EventView } from "@transporter/sdk";
import { completed, history, ID, status } from "./testing/fixtures.ts";
import { run } from "./testing/host.ts";
import { problem, ScriptedServer, ScriptedStream } from "./testing/server.ts";

const { result: _, finished_at: __, ...open } = completed();
const assigned: EventView = {
  ...open,
  state: "assigned",
  cancel_requested_at: "2026-11-23T05:09:50.000Z",
};
const cancelled: EventView = { ...completed(), state: "cancelled" };
const CANCEL = `POST /v2/events/${ID}/cancel`;

Deno.test("cancel says what became of each, and sends why", async () => {
  await using server = new ScriptedServer()
    .on(CANCEL, () => cancelled)
    .on("POST /v2/events/two/cancel", () => assigned);
  const ran = await run(["cancel", ID, "two", "--reason", "change freeze"], {
    url: server.url,
  });
  strictEqual(ran.code, 0);
  strictEqual(
    ran.stdout,
    `event/${ID} cancelled (agent edge-7)\n` +
      `event/${ID} is to be cancelled: its agent has it, and is told (agent edge-7)\n`,
  );
  deepStrictEqual(server.requests.map(({ body }) => body), [
    { reason: "change freeze" },
    { reason: "change freeze" },
  ]);
});

Deno.test("cancel goes on after one that it is too late for, and ends with 4", async () => {
  await using server = new ScriptedServer()
    .on(
      "POST /v2/events/one/cancel",
      () =>
        problem(409, "too_late", 'Cannot cancel event "one" as it has ended'),
    )
    .on(CANCEL, () => cancelled);
  const ran = await run(["cancel", "one", ID], { url: server.url });
  strictEqual(ran.code, 4);
  match(ran.stderr, /^error\[too_late\]: /);
  strictEqual(ran.stdout, `event/${ID} cancelled (agent edge-7)\n`);
});

Deno.test("cancel -l cancels what is open, and what ends meanwhile is no failure", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/events", () => ({
      items: [assigned, { ...assigned, spec: { ...open.spec, id: "late" } }],
    }))
    .on(
      "POST /v2/events/late/cancel",
      () =>
        problem(409, "too_late", 'Cannot cancel event "late" as it has ended'),
    )
    .on(CANCEL, () => assigned);
  const ran = await run(["cancel", "-l", "team=x", "-o", "name"], {
    url: server.url,
  });
  deepStrictEqual([ran.code, ran.stdout], [0, `event/${ID}\n`]);
  match(ran.stderr, /"late" as it has ended/);
  const { query } = server.asked("GET /v2/events")[0] ?? {};
  deepStrictEqual(query?.getAll("state"), [
    "created",
    "queued",
    "assigned",
    "in_progress",
  ]);
  deepStrictEqual(query?.getAll("label"), ["team=x"]);
});

Deno.test("cancel --wait waits for the end, and says when it is another one", async () => {
  for (const state of ["cancelled", "completed"] as const) {
    const stream = new ScriptedStream();
    const end = history({ state, phase: state });
    await using server = new ScriptedServer()
      .on(CANCEL, () => assigned)
      .on("GET /v2/stream", stream.answer)
      .on(`GET /v2/events/${ID}/history`, () => ({ items: end.slice(0, 2) }))
      .on(`GET /v2/events/${ID}`, () => ({ ...completed(), state }));
    const running = run(["cancel", ID, "--wait"], { url: server.url });
    for (const entry of end.slice(2)) {
      await stream.send("status", status(entry), String(entry.revision));
    }
    const ran = await running;
    if (state === "cancelled") {
      strictEqual(ran.code, 0, ran.stderr);
      match(ran.stdout, /event\/\S+ cancelled/);
    } else {
      strictEqual(ran.code, 1);
      match(ran.stderr, /was not cancelled: it is "completed"/);
    }
  }
});

Deno.test("cancel --wait takes no end for its own that was there before", async () => {
  // It had been cancelled, and was run again.
  const [queued, , , end] = history({ state: "cancelled", phase: "failed" });
  const again = { ...queued!, revision: 6, message: "Another attempt" };
  const asked = { ...queued!, revision: 7, message: "Cancellation" };
  const stream = new ScriptedStream();
  await using server = new ScriptedServer()
    .on(CANCEL, () => ({ ...assigned, revision: 7 }))
    .on("GET /v2/stream", stream.answer)
    .on(
      `GET /v2/events/${ID}/history`,
      () => ({ items: [queued, end, again, asked] }),
    )
    .on(`GET /v2/events/${ID}`, () => ({ ...completed(), state: "failed" }));
  const running = run(["cancel", ID, "--wait"], { url: server.url });
  await stream.send("ready", { position: "9" }, "9");
  const last = { ...end!, revision: 8, state: "failed" } as const;
  await stream.send("status", status(last), "10");
  const ran = await running;
  strictEqual(ran.code, 1);
  match(ran.stderr, / {2}queued +Cancellation\n.* {2}failed /);
});

Deno.test("cancel and retry refuse what does not go together", async () => {
  const cases: readonly (readonly [args: readonly string[], why: RegExp])[] = [
    [["cancel"], /without knowing what/],
    [["cancel", "e1", "-l", "a=b"], /ids together with/],
    [["cancel", "e1", "--agent", "a"], /ids together with/],
    [["cancel", "e1", "--timeout", "1s"], /--timeout without --wait/],
    [["cancel", "../e1"], /the event id/],
    [["cancel", "--agent", "a", "--agent", "b"], /--agent twice/],
    [["cancel", "e1", "--reason", "a", "--reason", "b"], /--reason twice/],
    [["retry"], /ID/],
    [["retry", "e1", "--timeout", "1s"], /--timeout without --wait/],
    [["retry", "e1", "--wait", "soon"], /--wait "soon"/],
    [["pause"], /needs a command/],
    [["pause", "agent", "a/b"], /the agent id/],
    [["delete", "agent", "a", "-o", "json"], /-o|output/],
    [["logs"], /ID/],
  ];
  for (const [args, why] of cases) {
    const ran = await run(args, { url: "http://127.0.0.1:1" });
    deepStrictEqual([ran.code, ran.stdout], [2, ""], args.join(" "));
    match(ran.stderr, why);
  }
});
