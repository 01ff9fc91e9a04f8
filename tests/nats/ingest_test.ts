/** Events through a real NATS server into real processes, which are killed by real signals. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Program } from "../program.ts";
import { until } from "../until.ts";
import { EVENTS, IngestPlace, QUARANTINE } from "./ingest_place.ts";

function eventText(more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    type: "k8s_resource",
    target_agent: "edge-1",
    payload: {
      manifests: ["{apiVersion: v1, kind: Namespace, metadata: {name: a}}"],
    },
    ...more,
  });
}

Deno.test("ingest.ack.after.commit: of 1,000 messages without ids none is lost and none is taken twice while the control plane is killed", async () => {
  await using place = await IngestPlace.open();
  await place.start();
  const rounds = 5;
  const texts = Array.from(
    { length: 1000 },
    (_, i) => eventText({ created_by: `n${i}` }),
  );
  let early = 0;
  for (let round = 0; round < rounds; round++) {
    const publishing = place.publish(
      texts.slice(round * 200, round * 200 + 200),
    );
    // A random moment of its work.
    const wanted = 1 + Math.floor(Math.random() * 150);
    await until(async () =>
      await place.figure("transporter_ingest_messages_total") >= wanted
    );
    await place.end("SIGKILL");
    await publishing;
    if (await place.count(EVENTS) > 0) early++;
    await place.start();
  }
  await until(async () => await place.count(EVENTS) === 0);
  const names = (await place.events()).map(({ spec }) =>
    (spec as { created_by: string }).created_by
  );
  strictEqual(names.length, texts.length);
  strictEqual(new Set(names).size, texts.length);
  ok(early > 0, "it was never killed in the middle");
  deepStrictEqual(await place.refused(), []);
});

Deno.test("ingest.poison.quarantine: what can never be accepted is kept with its reason, and stops nothing", async () => {
  await using place = await IngestPlace.open();
  await place.start();
  const poison = ["hello", "[]", eventText({ payload: 7 }), "\u00ff\u0000"];
  await place.publish([...poison, eventText({ id: "good" })]);
  await until(async () => await place.count(EVENTS) === 0);
  const refused = await place.refused();
  deepStrictEqual(
    refused.map(({ text, code }) => [text, code]).toSorted(),
    poison.map((text, i) => [
      text,
      ["invalid_json", "wrong_type", "wrong_type", "invalid_json"][i],
    ]).toSorted(),
  );
  for (const { message } of refused) match(message, /^Cannot [^\n]+[^.]$/);
  deepStrictEqual(
    (await place.events()).map(({ spec }) => (spec as { id: string }).id),
    ["good"],
  );
});

Deno.test("ingest.expired.once: what expired on its way is refused once, and does not come back", async () => {
  await using place = await IngestPlace.open();
  await place.start();
  await place.end("SIGTERM");
  // Their time is over before there is anybody to take them.
  await place.publish(
    Array.from({ length: 20 }, (_, i) => eventText({ id: `e${i}`, ttl: 1 })),
  );
  await place.start();
  await until(async () => await place.count(EVENTS) === 0);
  const refused = 'transporter_events_refused_total{code="expired"}';
  strictEqual(await place.figure(refused), 20);
  await place.end("SIGKILL");
  await place.start();
  await place.publish([eventText({ id: "good" })]);
  await until(async () => (await place.events()).length === 1);
  strictEqual(await place.figure(refused), 0);
  strictEqual(await place.count(QUARANTINE), 20);
  const [first] = await place.refused();
  strictEqual(first?.code, "expired");
  match(first?.message ?? "", /its ttl was over before it came here/);
});

Deno.test("ingest.consumer.dead: readiness says that nothing comes, and events go on by themselves when the server is back", async () => {
  await using place = await IngestPlace.open();
  await place.start();
  await until(async () => (await place.ask("/readyz")).status === 200);
  await place.publish([eventText({ id: "e1" })]);
  await place.server.crash();
  await until(async () => (await place.ask("/readyz")).status === 503);
  match(
    (await place.ask("/readyz")).text,
    /NATS at \\"127\.0\.0\.1/,
  );
  strictEqual((await place.ask("/livez")).status, 200);
  await place.server.restart();
  await until(async () => (await place.ask("/readyz")).status === 200);
  await place.publish([eventText({ id: "e2" })]);
  await until(async () => (await place.events()).length === 2);

  // It falls silent, and speaks again.
  place.server.signal("SIGSTOP");
  await until(async () => (await place.ask("/readyz")).status === 503);
  place.server.signal("SIGCONT");
  await until(async () => (await place.ask("/readyz")).status === 200);

  // An operator takes the consumer away, and then the whole stream.
  await place.with((manager) =>
    manager.consumers.delete(EVENTS, "transporter")
  );
  await until(async () =>
    await place.with(async (manager) =>
      (await manager.streams.info(EVENTS)).state.consumer_count
    ) === 1
  );
  await place.publish([eventText({ id: "e3" })]);
  await until(async () => (await place.events()).length === 3);
  await place.with((manager) => manager.streams.delete(EVENTS));
  await until(async () =>
    await place.with((manager) => manager.streams.names().next())
      .then((names) => names.includes(EVENTS))
  );
  await place.publish([eventText({ id: "e4" })]);
  await until(async () => (await place.events()).length === 4);
});

Deno.test("a control plane starts before its NATS server, and outlives wrong credentials", async () => {
  await using place = await IngestPlace.open({
    config: 'authorization { user: "ann", password: "s3cret" }',
  });
  const address = (password: string) =>
    place.server.url.replace("//", `//ann:${password}@`);
  await place.start({ ingest: address("wrong"), ready: false });
  await until(async () =>
    /does not accept the credentials/.test((await place.ask("/readyz")).text)
  );
  strictEqual((await place.ask("/readyz")).status, 503);
  ok(!place.output.includes("wrong"), "a password is in the log");
  await place.end("SIGTERM");
  await place.server.crash();
  await place.start({ ingest: address("s3cret"), ready: false });
  match((await place.ask("/readyz")).text, /"unavailable"/);
  await place.server.restart();
  await until(async () => (await place.ask("/readyz")).status === 200);
  ok(!place.output.includes("s3cret"), "a password is in the log");
});

Deno.test("send --mode nats: the program sends through a server, and says when no stream takes it", async () => {
  await using place = await IngestPlace.open();
  const dir = await Deno.makeTempDir();
  try {
    const file = `${dir}/event.json`;
    await Deno.writeTextFile(file, eventText());
    const send = () =>
      Program.start([
        ..."send event --mode nats --id sent --cp-url".split(" "),
        place.server.url,
        "-f",
        file,
      ]);
    await using early = send();
    strictEqual((await early.status()).code, 3);
    match(early.output, /no stream .* a control plane with --ingest makes it/);
    await place.start();
    await using sent = send();
    strictEqual((await sent.status()).code, 0, sent.output);
    strictEqual(sent.output, "event/sent published (agent edge-1)");
    await until(async () =>
      (await place.ask("/v2/events/sent")).status === 200
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
