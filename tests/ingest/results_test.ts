/** Results of a control plane that is killed, to a receiver that fails, hangs and dies. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Program } from "../program.ts";
import { Receiver, SECRET } from "./receiver.ts";
import { until } from "../until.ts";

/** A control plane as a process of its own. */
class Place implements AsyncDisposable {
  readonly #dir: string;
  #cp: Program | undefined;
  #url = "";

  constructor(dir: string) {
    this.#dir = dir;
  }

  async start(...results: readonly string[]): Promise<void> {
    await Deno.writeTextFile(`${this.#dir}/secret`, `${SECRET}\n`);
    const cp = this.#cp = Program.start([
      ..."cp --dev --listen 127.0.0.1:0 --data-dir".split(" "),
      `${this.#dir}/data`,
      ...results.flatMap((url) => ["--results", url]),
      "--results-secret-file",
      `${this.#dir}/secret`,
    ]);
    const [, url = ""] = await cp.line(
      /Control plane listens.*"url":"([^"]+)"/,
    );
    this.#url = url;
  }

  async end(signal: Deno.Signal): Promise<void> {
    this.#cp?.kill(signal);
    await this.#cp?.status();
  }

  async ask(path: string, body?: unknown): Promise<string> {
    const response = await fetch(this.#url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await response.text();
  }

  /** Events that end at once, as nobody is there to have begun them. */
  async finish(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const event = { id, type: "t", target_agent: "nobody", payload: {} };
      await this.ask("/events", event);
      await this.ask(`/v2/events/${id}/cancel`, {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    await Deno.remove(this.#dir, { recursive: true });
  }
}

function idsFrom(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `e${first + i}`);
}

Deno.test("results are told at least once and in order, though the control plane is killed and the receiver fails, hangs and dies", async () => {
  await using receiver = new Receiver();
  await using place = new Place(await Deno.makeTempDir());
  await place.start(receiver.url);
  let ended = 0;
  async function more(): Promise<void> {
    await place.finish(idsFrom(ended, 20));
    ended += 20;
  }
  const all = () => until(() => receiver.subjects.length === ended);

  await more();
  await all();

  receiver.mood = "fails";
  let seen = receiver.requests;
  await more();
  await until(() => receiver.requests > seen);
  strictEqual(receiver.subjects.length, ended - 20);
  match(
    await place.ask("/readyz"),
    /"fault":"Cannot deliver .* answers with 500/,
  );
  receiver.mood = "takes";
  await all();

  receiver.mood = "hangs";
  seen = receiver.requests;
  await more();
  await until(() => receiver.requests > seen);
  await place.end("SIGKILL"); // while it waits for an answer
  receiver.mood = "takes";
  await place.start(receiver.url);
  await all();

  await receiver.die();
  await more(); // nobody is held up
  match(await place.ask("/readyz"), /"status":"ready"/);
  await place.end("SIGKILL");
  await place.start(receiver.url);
  receiver.listen();
  await all();

  // Killed again and again at a random moment while it tells.
  for (let kill = 0; kill < 4; kill++) {
    const target = receiver.told.length + Math.floor(Math.random() * 20);
    const finishing = more().catch(() => {}); // it is killed meanwhile
    await until(() => receiver.told.length >= target);
    await finishing;
    await place.end("SIGKILL");
    await place.start(receiver.url);
  }
  await all();

  deepStrictEqual(receiver.subjects, idsFrom(0, ended));
  const first = new Map<string, string>();
  for (const { id, sequence, type } of receiver.told) {
    strictEqual(type, "io.transporter.status.cancelled");
    strictEqual(first.get(id) ?? sequence, sequence); // the same again is the same
    first.set(id, sequence);
  }
  const sequences = [...first.values()];
  deepStrictEqual(sequences, sequences.toSorted());
});

Deno.test("one receiver that hangs holds up neither events nor another receiver", async () => {
  await using hanging = new Receiver();
  await using other = new Receiver();
  hanging.mood = "hangs";
  await using place = new Place(await Deno.makeTempDir());
  await place.start(hanging.url, other.url);
  const ids = idsFrom(0, 50);
  await place.finish(ids);
  await until(() => other.subjects.length === ids.length);
  deepStrictEqual(other.subjects, ids);
  strictEqual(hanging.told.length, 0);
  // That the other one has it is known a moment after it was told.
  await until(async () => {
    const answer = JSON.parse(await place.ask("/readyz"));
    const results: { sink: string; lag_ms: number }[] = answer.results;
    return results.length === 2 &&
      results.every(({ sink, lag_ms }) =>
        (lag_ms > 0) === (sink === hanging.url)
      );
  });
});

Deno.test("cp refuses webhooks that it could not sign", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const args = [
      "cp",
      "--dev",
      "--store",
      "memory:",
      "--listen",
      "127.0.0.1:0",
    ];
    await using without = Program.start([
      ...args,
      "--results",
      "https://a/hook",
    ]);
    strictEqual((await without.status()).code, 2);
    match(without.output, /--results-secret-file/);
    await Deno.writeTextFile(`${dir}/secret`, "short\n");
    await using short = Program.start([
      ...[...args, "--results", "https://a/hook"],
      ...["--results-secret-file", `${dir}/secret`],
    ]);
    strictEqual((await short.status()).code, 2);
    match(short.output, /at least 24 bytes/);
    ok(!short.output.includes("short\n"));
    await using unused = Program.start([
      ...[...args, "--results", "nats://127.0.0.1:1"],
      ...["--results-secret-file", `${dir}/secret`],
    ]);
    strictEqual((await unused.status()).code, 2);
    match(unused.output, /--results-secret-file as no --results names a webh/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
