import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  CpProcess,
  listEvents,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { WitnessAgent, witnessEvent } from "./witness_agent.ts";

const encoder = new TextEncoder();

/** A submission that the control plane has begun to read, and whose body has not been sent. */
async function begin(url: string, event: unknown): Promise<{
  readonly conn: Deno.TcpConn;
  readonly body: Uint8Array;
}> {
  const { host, hostname, port } = new URL(url);
  const body = JSON.stringify(event);
  const conn = await Deno.connect({ hostname, port: Number(port) });
  const head = `POST /v2/events HTTP/1.1\r\nhost: ${host}\r\n` +
    `content-type: application/json\r\ncontent-length: ${body.length}\r\n` +
    "expect: 100-continue\r\n\r\n";
  await conn.write(encoder.encode(head));
  const answer = new Uint8Array(1000);
  const length = await conn.read(answer) ?? 0;
  match(new TextDecoder().decode(answer.subarray(0, length)), / 100 Continue/);
  return { conn, body: encoder.encode(body) };
}

Deno.test("cp.sigterm.drain (F11): what is under way is answered, agents are told, and nothing that was accepted is lost", async () => {
  await using cp = await CpProcess.start();
  await using agent = await WitnessAgent.start("edge", cp.agentUrl);
  await untilConnected(cp.url, "edge");
  await submit(cp.url, witnessEvent("running", { ms: 2000 }));
  await until(async () => (await agent.starts()).length > 0 ? true : undefined);
  const { conn, body } = await begin(cp.url, witnessEvent("under-way"));

  cp.program.kill("SIGTERM");
  await agent.process.program.line(/"No connection to the control plane"/);
  await rejects(fetch(`${cp.url}/livez`), TypeError); // nobody new is let in
  await conn.write(body);
  const answer = await new Response(conn.readable).text();
  match(answer, /^HTTP\/1.1 202 /);
  const { code } = await cp.program.status();
  strictEqual(code, 0, cp.program.output);
  match(cp.program.output, /"message":"Control plane has stopped"/);

  await cp.restart();
  const ended = await until(async () => {
    const events = await listEvents(cp.url);
    return events.every(({ state }) => state === "completed")
      ? events
      : undefined;
  });
  deepStrictEqual(
    ended.map(({ spec }) => spec.id).sort(),
    ["running", "under-way"],
  );
  deepStrictEqual((await agent.starts()).sort(), ["running 1", "under-way 1"]);
});
