import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { dialWebSocket } from "@transporter/sdk/websocket";
import { openPlace, type Place } from "./testing/place.ts";
import { type RawFrame, ScriptedAgent } from "./testing/scripted_agent.ts";
import { until } from "./testing/until.ts";

async function dial(place: Place): Promise<ScriptedAgent> {
  const wire = await dialWebSocket(
    new URL(`${place.url.replace("http", "ws")}/ws`),
    {
      signal: new AbortController().signal,
      frameBytesMax: 16 * 1024 * 1024,
    },
  );
  return new ScriptedAgent(wire);
}

/** What a Go producer posts. */
function produced(id: string): string {
  return `{"id":"${id}","type":"k8s_resource","target_agent":"compat","payload":{"manifests":["apiVersion: v1\\nkind: Namespace\\nmetadata:\\n  name: web\\n"]},"created_at":"2026-11-23T05:04:27.104Z","created_by":"x","ttl":3600000000000,"priority":0,"labels":{}}`;
}

async function produce(place: Place, id: string) {
  const answer = await place.ask("/events", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: produced(id),
  });
  // Upstream's producer wants exactly 202, and prints the message.
  strictEqual(answer.status, 202);
  strictEqual(typeof answer.json.message, "string");
  return answer.json;
}

const REGISTRATION =
  '{"id":"compat","name":"compat","cluster_name":"c","cluster_provider":"kind","region":"local","version":"0.1.0","capabilities":["k8s_crud"],"hostname":"h","namespace":"default"}';

const PHASES = ["received", "validating", "applying", "verifying"];

/** What upstream's agent sends of one event, in its order and with its fields. */
function reports(id: string): string[] {
  const time = '"timestamp":"2026-11-23T05:04:27.10407393Z"';
  return [
    ...PHASES.map((phase) =>
      `{"type":"status_update","event_id":"${id}","agent_id":"compat","state":"in_progress","phase":"${phase}","message":"Event ${phase}","log_level":"info","details":null,"result":null,${time}}`
    ),
    `{"type":"status_update","event_id":"${id}","agent_id":"compat","state":"completed","phase":"completed","message":"Event completed","log_level":"info","details":{},"result":{"success":true,"resource_status":[{"kind":"Namespace","name":"web","namespace":"","api_version":"v1","status":"created","message":""}],"error_message":"","completed_at":"2026-11-23T05:04:28Z","duration":1200000000},${time}}`,
  ];
}

async function ended(place: Place, id: string): Promise<RawFrame> {
  let shown: RawFrame = {};
  await until(async () => {
    shown = (await place.ask(`/v2/events/${id}`)).json;
    return shown["finished_at"] !== undefined;
  });
  return shown;
}

/** Resolves when the control plane has seen the end of an agent's session, and noted it. */
async function left(place: Place, agent: string): Promise<void> {
  await until(async () =>
    !(await place.ask(`/v2/agents/${agent}`)).json.connected
  );
}

Deno.test("ControlPlane holds upstream's conversation with its agent and its producer", async () => {
  await using place = await openPlace();
  const agent = await dial(place);
  await agent.sendText(REGISTRATION);
  await agent.next();
  strictEqual(
    agent.texts[0],
    '{"status":"registered","message":"Agent compat registered successfully"}',
  );

  await produce(place, "e1");
  const { type, event } = await agent.next() as {
    type: string;
    event: RawFrame;
  };
  strictEqual(type, "event");
  deepStrictEqual(event, JSON.parse(produced("e1")));
  ok(
    /"ttl":3600000000000[,}]/.test(agent.texts[1] ?? ""),
    "a Go agent wants integer nanoseconds",
  );

  await agent.sendText(
    '{"type":"heartbeat","timestamp":"2026-11-23T05:04:37.1Z","metrics":{}}',
  );
  await produce(place, "e2"); // waits: a v1 agent has one at a time
  for (const text of reports("e1")) await agent.sendText(text);
  const view = await ended(place, "e1");
  deepStrictEqual([view["state"], view["phase"]], ["completed", "completed"]);
  const history = (await place.ask("/v2/events/e1/history")).json.items;
  deepStrictEqual(
    history.map((
      entry: { state: string; phase?: string },
    ) => [entry.state, entry.phase ?? ""]),
    [
      ["queued", ""],
      ["assigned", ""],
      ...PHASES.map((phase) => ["in_progress", phase]),
      ["completed", "completed"],
    ],
  );
  deepStrictEqual(
    view["result"],
    JSON.parse(reports("e1").at(-1) ?? "").result,
  );

  const second = await agent.next();
  strictEqual((second["event"] as RawFrame)["id"], "e2");
  await agent.sendText(
    '{"type":"status_update","event_id":"e2","agent_id":"compat","state":"failed","phase":"failed","message":"Cannot apply","log_level":"error","details":null,"result":{"success":false,"error_message":"Cannot apply","completed_at":"2026-11-23T05:04:28Z","duration":1},"timestamp":"2026-11-23T05:04:28Z"}',
  );
  strictEqual((await ended(place, "e2"))["state"], "failed");
  deepStrictEqual((await place.ask("/health")).json.agent_count, 1);
  // Nothing else was sent: a Go agent would stumble over frames that it does not know.
  deepStrictEqual(agent.frames.map((frame) => frame["type"]), [
    undefined,
    "event",
    "event",
  ]);
  await agent.cut();
});

Deno.test("ControlPlane turns upstream's agent away in upstream's words", async () => {
  await using place = await openPlace();
  for (
    const [field, error] of Object.entries({
      id: /agent ID is required/,
      name: /name is required/,
      cluster_name: /cluster name is required/,
      version: /version is required/,
      capabilities: /capabilit/,
    })
  ) {
    const agent = await dial(place);
    const { [field]: _, ...rest } = JSON.parse(REGISTRATION);
    await agent.send(rest);
    const reply = await agent.next();
    deepStrictEqual(Object.keys(reply), ["error"]);
    match(String(reply["error"]), error);
    strictEqual(await agent.end(), "bad_frame");
  }
});

Deno.test("ControlPlane tells an event to an agent that connects later, at once", async () => {
  await using place = await openPlace();
  strictEqual((await produce(place, "e1")).agent_known, false);
  const agent = await dial(place);
  await agent.sendText(REGISTRATION);
  strictEqual((await agent.next())["status"], "registered");
  strictEqual(((await agent.next())["event"] as RawFrame)["id"], "e1");
  strictEqual((await produce(place, "e2")).agent_known, true);
  await agent.cut();
});

Deno.test("ControlPlane holds a conversation of version 2, and goes on with it after a cut", async () => {
  await using place = await openPlace();
  const registration = {
    ...JSON.parse(REGISTRATION),
    version: "2.0.0",
    link: {
      versions: [2, 1],
      features: ["ack", "resume", "parts"],
      instance: "journal-1",
      window: 8,
      max_frame: 524288,
      clock: "2026-11-23T05:04:27.104Z",
      executors: [{ type: "k8s_resource", version: "1.0.0" }],
    },
  };
  await produce(place, "e1");
  const agent = await dial(place);
  await agent.send(registration);
  const reply = await agent.next();
  ok(Object.values(reply).every((value) => typeof value === "string"));
  strictEqual(reply["link"], "2");
  const welcome = await agent.next();
  deepStrictEqual(
    [
      welcome["type"],
      welcome["v"],
      welcome["gen"],
      welcome["from_seq"],
      welcome["status_upto"],
      welcome["session"],
    ],
    ["welcome", 2, 1, 1, 0, reply["session"]],
  );

  const released = await agent.nextOf("event");
  deepStrictEqual([released["seq"], released["attempt"]], [1, 1]);
  ok(typeof released["deadline"] === "string");
  const { epoch } = welcome;
  await agent.send({ type: "ack", epoch, upto: 1 });
  await agent.send({
    type: "heartbeat",
    timestamp: "2026-11-23T05:04:37.1Z",
    metrics: {},
    link: { recv: 1 },
  });
  strictEqual(
    (await agent.nextOf("heartbeat_ack"))["timestamp"],
    "2026-11-23T05:04:37.1Z",
  );
  await agent.send(
    JSON.parse(
      reports("e1")[0]?.replace('"type"', '"sid":1,"attempt":1,"type"') ?? "",
    ),
  );
  strictEqual((await agent.nextOf("status_ack"))["upto"], 1);
  await agent.cut();
  await left(place, "compat"); // what it has acknowledged is noted with the next write, or at the end

  const again = await dial(place);
  await again.send({
    ...registration,
    link: { ...registration.link, resume: { epoch, recv: 1 } },
  });
  const second = await again.nextOf("welcome");
  deepStrictEqual(
    [second["gen"], second["epoch"], second["resume"], second["status_upto"]],
    [2, epoch, "resumed", 1],
  );
  // It has not ended, so it is sent again; the agent knows it by its id.
  const redelivered = await again.nextOf("event");
  deepStrictEqual([redelivered["seq"], redelivered["attempt"]], [1, 1]);
  await again.send({ type: "ack", epoch, upto: 1 });
  await again.send(
    JSON.parse(
      reports("e1").at(-1)?.replace('"type"', '"sid":2,"attempt":1,"type"') ??
        "",
    ),
  );
  strictEqual((await again.nextOf("status_ack"))["upto"], 2);
  strictEqual((await ended(place, "e1"))["state"], "completed");

  const shown = (await place.ask("/v2/agents/compat")).json;
  deepStrictEqual(
    [shown.link_version, shown.generation, shown.executors],
    [2, 2, [{ type: "k8s_resource", version: "1.0.0" }]],
  );
  const refused = await place.ask("/v2/events", {
    method: "POST",
    body: { type: "script", target_agent: "compat", payload: {} },
  });
  deepStrictEqual([refused.status, refused.json.code], [422, "unsupported"]);
  await again.cut();
});
