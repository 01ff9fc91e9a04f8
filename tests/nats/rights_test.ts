import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { dialNats } from "@transporter/sdk/nats";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import {
  CpProcess,
  listEvents,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { WitnessAgent, witnessEvent } from "../chaos/witness_agent.ts";
import { ROOT } from "../files.ts";
import { blocksOf } from "../page.ts";
import { NatsServer } from "./server.ts";

/** The rights that docs/nats.md shows, for the agents "edge" and "other". */
async function documented(): Promise<string> {
  const page = await Deno.readTextFile(`${ROOT}docs/nats.md`);
  const block = blocksOf(page).find(({ title }) => title === "nats.conf");
  const text = block?.text.slice(block.text.indexOf("authorization {")) ?? "";
  const at = text.indexOf('    {\n      user: "edge-7"');
  const end = text.lastIndexOf("  ]\n}");
  ok(at > 0 && end > at, "the page has another shape");
  const user = text.slice(at, end);
  return text.slice(0, at) + user.replaceAll("edge-7", "edge") +
    user.replaceAll("edge-7", "other") + text.slice(end);
}

/** The URL of a user. */
function urlAs(user: string, nats: NatsServer): string {
  const password = user === "control-plane" ? "change-me" : "change-me-too";
  return nats.url.replace("//", `//${user}:${password}@`);
}

interface Place extends AsyncDisposable {
  readonly nats: NatsServer;
  readonly cp: CpProcess;
  /** The URL of a user. */
  as(user: string): string;
}

async function open(): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(
    await NatsServer.start({ config: await documented() }),
  );
  const as = (user: string) => urlAs(user, nats);
  const cp = stack.use(
    await CpProcess.start({ flags: ["--agent-broker", as("control-plane")] }),
  );
  await cp.program.line(/Agents are served over NATS/);
  const held = stack.move();
  return { nats, cp, as, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** What no agent may publish to. */
const LAST = "last";

/** What the server refuses while something is done. */
async function refusals(
  url: string,
  work: (connection: NatsConnection) => void,
): Promise<string[]> {
  const { username: user, password: pass, host } = new URL(url);
  const connection = await connect({
    servers: host,
    user,
    pass,
    reconnect: false,
  });
  const statuses = connection.status();
  work(connection);
  connection.publish(LAST); // what is refused is told in order
  const found: string[] = [];
  for await (const status of statuses) {
    if (status.type !== "error") continue;
    if (status.error.message.includes(LAST)) break;
    found.push(status.error.message);
  }
  await connection.close();
  return found;
}

Deno.test("with the rights of docs/nats.md agents work, and the control plane has all that it needs", async () => {
  await using place = await open();
  const { cp, as } = place;
  await using agent = await WitnessAgent.start("edge", as("edge"));
  await untilConnected(cp.url, "edge");
  await submit(cp.url, witnessEvent("e1"));
  await until(async () =>
    (await listEvents(cp.url))[0]?.state === "completed" || undefined
  );
  deepStrictEqual(await agent.starts(), ["e1 1"]);
  ok(!/refuses|may not/.test(cp.program.output), cp.program.output);
  ok(!/may not/.test(agent.process.program.output));
  ok(!/change-me/.test(cp.program.output + agent.process.program.output));
});

Deno.test("of the rights of docs/nats.md each is needed, and is named where it is missing", async () => {
  const text = await documented();
  const rights = [...text.matchAll(/"((?:\$JS|tp|_INBOX)\.[^" ]+)[^"]*"/g)]
    .filter(([right]) => !right.includes("other"));
  ok(rights.length > 10, "the page has another shape");
  for (const { 0: right, 1: subject = "", index } of rights) {
    const config = text.slice(0, index) + '"none"' +
      text.slice(index + right.length);
    await using nats = await NatsServer.start({ config });
    const flags = ["--agent-broker", urlAs("control-plane", nats)];
    await using cp = await CpProcess.start({ flags });
    await using agent = await WitnessAgent.start("edge", urlAs("edge", nats));
    await agent.process.program.line(/"level"/);
    const event = JSON.stringify(witnessEvent("e1"));
    const headers = { "content-type": "application/json" };
    const options = { method: "POST", headers, body: event };
    await (await fetch(`${cp.url}/events`, options)).body?.cancel();
    const one = RegExp.escape(subject.replace(/>$/, ""))
      .replace("\\*", "(?:\\*|edge)");
    const wanted = RegExp(`may not (?:publish|subscribe) to \\\\?"${one}`);
    await until(
      () => wanted.test(cp.program.output + agent.process.program.output),
      { waitMs: 60_000, what: () => `a refusal of ${right}` },
    );
  }
});

Deno.test("with the rights of docs/nats.md an agent can neither read nor speak as another", async () => {
  await using place = await open();
  const { as } = place;
  const subjects = [
    "tp.default.agent.other.reg",
    "tp.default.agent.other.up",
    "tp.default.agent.other.down",
    "tp.default.agent.other.inbox.x",
    "tp.default.agent.edge.down",
    "$JS.API.CONSUMER.MSG.NEXT.TP_default_DOWN.other",
    "$JS.ACK.TP_default_DOWN.other.1.1.1.1.0",
    "$JS.API.CONSUMER.CREATE.TP_default_DOWN.mine.tp.default.agent.other.down",
    "$JS.API.CONSUMER.DELETE.TP_default_DOWN.other",
    "$JS.API.STREAM.MSG.GET.TP_default_DOWN",
    "$JS.API.DIRECT.GET.TP_default_DOWN",
    "$JS.API.STREAM.PURGE.TP_default_DOWN",
    "$JS.API.STREAM.DELETE.TP_default_DOWN",
  ];
  const published = await refusals(as("edge"), (connection) => {
    for (const subject of subjects) connection.publish(subject, "{}");
  });
  strictEqual(published.length, subjects.length, published.join("\n"));
  const places = [
    "tp.default.agent.other.down",
    "tp.default.agent.other.up",
    "tp.default.agent.other.inbox.>",
    "tp.default.agent.*.reg",
    "tp.default.agent.*.up",
    "tp.>",
    ">",
    "_INBOX.>",
  ];
  const subscribed = await refusals(as("edge"), (connection) => {
    for (const place of places) connection.subscribe(place, { callback() {} });
  });
  strictEqual(subscribed.length, places.length, subscribed.join("\n"));
});

Deno.test("a control plane answers an agent into no other place than the agent's own", async () => {
  await using place = await open();
  const { cp, as } = place;
  await using _agent = await WitnessAgent.start("other", as("other"));
  await untilConnected(cp.url, "other");
  // What the agent may not publish itself, it has the control plane publish.
  const targets = [
    "tp.default.agent.other.inbox.x",
    "tp.default.agent.other.down",
    "tp.default.agent.other.up",
    "tp.default.agent.edge.inboxes",
    "_INBOX.x",
  ];
  await refusals(as("edge"), (connection) => {
    for (const reply of targets) {
      connection.publish("tp.default.agent.edge.reg", "{}", { reply });
    }
    connection.publish("tp.default.agent.edge.reg", "{}");
  });
  const warned = () =>
    cp.program.output.match(/is not answered as it names no inbox/g)?.length;
  await until(() =>
    Promise.resolve(warned() === targets.length + 1 || undefined)
  );
  const answer = await fetch(`${cp.url}/v2/agents`);
  const { items } = await answer.json();
  deepStrictEqual(items.map(({ id }: { id: string }) => id), ["other"]);
});

Deno.test("an agent over NATS cannot register as another one", async () => {
  await using place = await open();
  const { cp, as } = place;
  const wire = await dialNats(new URL(as("edge")), {
    agentId: "edge",
    signal: new AbortController().signal,
    frameBytesMax: 512 * 1024,
  });
  await wire.send(JSON.stringify({
    ...{ id: "other", name: "other", cluster_name: "c", version: "1" },
    capabilities: ["k8s_crud"],
  }));
  await rejects(async () => {
    for await (const _ of wire.frames) { /* none comes */ }
  }, { code: "denied", message: /than "edge"/ });
  await wire.close();
  const answer = await fetch(`${cp.url}/v2/agents`);
  deepStrictEqual((await answer.json()).items, []);
});

Deno.test("an agent that NATS refuses says so in one sentence, tries again, and lives", async () => {
  await using place = await open();
  const { as } = place;
  const url = as("edge").replace("change-me-too", "wr0ng");
  await using agent = await WitnessAgent.start("edge", url);
  const { program } = agent.process;
  // Once more after the first time, so that it has outlived that.
  for (let tries = 0; tries < 3; tries++) {
    await until(() =>
      Promise.resolve(
        (program.output.match(/does not accept the credentials/g)?.length ??
              0) > tries || undefined,
      )
    );
  }
  ok(!program.output.includes("wr0ng"));
  ok(!/Uncaught/.test(program.output), program.output);
});
