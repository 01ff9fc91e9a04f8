/** Results of two control planes over one Redis: one tells, and another one goes on when it stops. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Receiver, SECRET } from "../ingest/receiver.ts";
import { until } from "../until.ts";
import { Program } from "../program.ts";
import { startRedis } from "./server.ts";

Deno.test("of two control planes over one Redis one tells results, and the other one goes on when it stops", async () => {
  await using redis = await startRedis();
  await using receiver = new Receiver();
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/secret`, SECRET);
    const start = async (name: string) => {
      const program = Program.start([
        ..."cp --dev --listen 127.0.0.1:0 --replica-name".split(" "),
        ...[name, "--store", redis.url],
        ...["--results", receiver.url],
        ...["--results-secret-file", `${dir}/secret`],
      ]);
      const [, url = ""] = await program.line(
        /Control plane listens.*"url":"([^"]+)"/,
      );
      return { program, url };
    };
    let ended = 0;
    const finish = async (url: string) => {
      const post = async (path: string, body: unknown) => {
        const response = await fetch(url + path, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        await response.body?.cancel();
      };
      for (let i = 0; i < 10; i++) {
        const id = `e${ended++}`;
        const event = { id, type: "t", target_agent: "nobody", payload: {} };
        await post("/events", event);
        await post(`/v2/events/${id}/cancel`, {});
      }
      await until(() => receiver.subjects.length === ended);
    };
    const first = await start("a");
    await using _first = first.program;
    const second = await start("b");
    await using _second = second.program;
    await finish(first.url);
    await finish(second.url);
    strictEqual(receiver.told.length, ended, "it was told twice");
    first.program.kill("SIGTERM");
    await first.program.status();
    await finish(second.url);
    deepStrictEqual(
      receiver.subjects,
      Array.from({ length: ended }, (_, i) => `e${i}`),
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
