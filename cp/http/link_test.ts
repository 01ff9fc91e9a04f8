import { dialHttp } from "@transporter/sdk/http";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import * as v from "valibot";
import {
  type Answer,
  event,
  isProblem,
  openPlace,
  type Place,
} from "../testing/place.ts";
import { ScriptedAgent } from "../testing/scripted_agent.ts";
import { registration } from "../testing/world.ts";
import { SCHEMAS } from "./schemas.ts";

async function openSession(place: Place): Promise<Answer> {
  return await place.ask("/v2/link/sessions", {
    method: "POST",
    body: { frames: [JSON.stringify(registration())] },
  });
}

async function push(place: Place, body: unknown): Promise<Answer> {
  return await place.ask("/v2/link/frames", { method: "POST", body });
}

async function poll(place: Place, session: string, after: number) {
  return await place.ask(
    `/v2/link/frames?session=${session}&after=${after}&wait=0`,
  );
}

function typesOf({ json }: Answer): string[] {
  return json.frames.map((frame: string) => JSON.parse(frame).type ?? "reply");
}

Deno.test("POST /v2/link/sessions answers a registration, and frames go both ways", async () => {
  await using place = await openPlace();
  const opened = await openSession(place);
  strictEqual(opened.status, 201, opened.text);
  const { session } = v.parse(SCHEMAS.LinkSession, opened.json);
  match(session, /^[\w-]{32}$/);
  deepStrictEqual(typesOf(opened).slice(0, 1), ["reply"]);
  const { length } = opened.json.frames;
  strictEqual((await place.ask("/v2/agents/edge-1")).json.carrier, "http");

  const heartbeat = {
    type: "heartbeat",
    timestamp: "2026-11-23T05:04:27Z",
    metrics: {},
  };
  const sent = { session, after: 1, frames: [JSON.stringify(heartbeat)] };
  for (let i = 0; i < 2; i++) { // the second one changes nothing
    const taken = await push(place, sent);
    deepStrictEqual([taken.status, taken.json], [200, { upto: 2 }]);
  }
  const down: string[] = [];
  while (!down.includes("heartbeat_ack")) {
    const answer = await place.ask(
      `/v2/link/frames?session=${session}&after=${length + down.length}`,
    );
    v.parse(SCHEMAS.LinkFrames, answer.json);
    down.push(...typesOf(answer));
  }
  strictEqual(down.filter((type) => type === "heartbeat_ack").length, 1);

  const close = { code: 1000, reason: "" };
  const over = await push(place, { session, after: 2, frames: [], close });
  strictEqual(over.status, 200, over.text);
  isProblem(await poll(place, session, 0), 404, "not_found");
});

Deno.test("GET /v2/link/frames repeats what was not confirmed, and 204 says that there is nothing", async () => {
  await using place = await openPlace();
  const opened = await openSession(place);
  const { session } = opened.json;
  const first = await poll(place, session, 0);
  deepStrictEqual(
    first.json.frames.slice(0, opened.json.frames.length),
    opened.json.frames,
  );
  const { length } = first.json.frames;
  strictEqual((await poll(place, session, length)).status, 204);
  isProblem(await poll(place, session, 0), 409, "conflict");
  isProblem(await poll(place, session, length + 1), 400, "bad_frame");
});

Deno.test("The routes of the link refuse what they cannot take", async () => {
  await using place = await openPlace();
  const { session } = (await openSession(place)).json;
  const good = { session, after: 1, frames: [] };
  const cases: readonly [unknown, number, string][] = [
    [[], 400, "wrong_type"],
    [{ ...good, session: 1 }, 400, "wrong_type"],
    [{ ...good, after: -1 }, 400, "wrong_type"],
    [{ ...good, frames: [1] }, 400, "wrong_type"],
    [{ ...good, close: { code: "1" } }, 400, "wrong_type"],
    [{ ...good, other: 1 }, 400, "unknown_field"],
    [{ ...good, session: "guessed" }, 404, "not_found"],
  ];
  for (const [body, status, code] of cases) {
    isProblem(await push(place, body), status, code);
  }
  const query = (text: string) => place.ask(`/v2/link/frames?${text}`);
  isProblem(await query("after=0"), 400, "wrong_type");
  isProblem(await query(`session=${session}&after=x`), 422, "invalid");
  isProblem(await query(`session=${session}&wait=61`), 422, "invalid");
  const origin = place.url;
  const headers = { origin };
  isProblem(
    await place.ask(`/v2/link/frames?session=${session}`, { headers }),
    403,
    "foreign_origin",
  );
  const lost = await push(place, { ...good, after: 7, frames: ["{}"] });
  isProblem(lost, 400, "bad_frame"); // and that ends it
  const end = await place.ask(`/v2/link/frames?session=${session}&after=0`);
  strictEqual(end.json.close.code, 4400);
});

Deno.test("A far end that is not registered may send only so much", async () => {
  await using place = await openPlace();
  const opened = await place.ask("/v2/link/sessions", {
    method: "POST",
    body: {},
  });
  const { session } = opened.json;
  const frames = ["x".repeat(129 * 1024)];
  isProblem(await push(place, { session, after: 0, frames }), 413, "too_large");
});

Deno.test("An agent works over HTTP alone, and is told why it is closed", async () => {
  await using place = await openPlace();
  const wire = await dialHttp(new URL(place.url), {
    signal: new AbortController().signal,
    frameBytesMax: 2 ** 20,
    retryMs: 500, // should the end come between two polls
  });
  const agent = new ScriptedAgent(wire);
  await agent.send(registration());
  await agent.nextOf("welcome");
  const body = event("e1");
  await place.ask("/v2/events", { method: "POST", body });
  const { seq } = await agent.nextOf("event");
  strictEqual(seq, 1);
  const closed = place.controlPlane.close();
  strictEqual(await agent.end(), "unavailable");
  await closed;
  await wire.close();
});

Deno.test("GET /v2/link/stream sends frames with their numbers, and Last-Event-ID goes on", async () => {
  await using place = await openPlace();
  const opened = await openSession(place);
  const { session, frames } = opened.json;
  const { length } = frames;
  const url = `${place.url}/v2/link/stream?session=${session}`;
  async function read(headers: Record<string, string>): Promise<string> {
    const abort = new AbortController();
    const { signal } = abort;
    const answer = await fetch(url, { headers, signal });
    strictEqual(answer.headers.get("content-type"), "text/event-stream");
    let text = "";
    const pieces = answer.body?.pipeThrough(new TextDecoderStream()) ?? [];
    for await (const piece of pieces) {
      text += piece;
      if (/^id: /m.test(text) && text.endsWith("\n\n")) break;
    }
    abort.abort();
    return text;
  }
  const all = await read({});
  match(all, /^: open\n\nid: \d+\ndata: \{"frames":\[/);
  deepStrictEqual(
    JSON.parse(/^data: (.*)$/m.exec(all)?.[1] ?? "").frames.slice(0, length),
    frames,
  );
  const rest = await read({ "last-event-id": "1" });
  const [, id, data] = /id: (\d+)\ndata: (.*)\n/.exec(rest) ?? [];
  strictEqual(JSON.parse(data ?? "").frames.length, Number(id) - 1);
  isProblem(
    await place.ask(`/v2/link/stream?session=guessed`),
    404,
    "not_found",
  );
});
