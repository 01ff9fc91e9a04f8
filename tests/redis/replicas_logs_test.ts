/** The output of a script is the same at every control plane of one store, also while it runs. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { LogPage } from "@transporter/sdk";
import { canConfine } from "../../plugins/script/testing/bench.ts";
import { Program } from "../program.ts";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { startRedis } from "./server.ts";

Deno.test({
  name:
    "replicas: the output of an event is read at either, and goes on at the other one",
  ignore: !canConfine,
  async fn() {
    await using redis = await startRedis();
    const start = (name: string) =>
      CpProcess.start({
        flags: ["--store", redis.url, "--replica-name", name],
      });
    await using a = await start("a");
    await using b = await start("b");
    await using _ = await AgentProcess.start("edge-7", {
      cpUrl: a.agentUrl,
      flags: ["--enable", "script"],
      env: { KUBERNETES_SERVICE_HOST: "" },
    });
    await untilConnected(a.url, "edge-7");
    const { event_id: id } = await submit(b.url, {
      type: "script",
      target_agent: "edge-7",
      payload: { script: "echo one; sleep 2; echo two" },
    });

    const page = async (url: string, cursor = ""): Promise<LogPage> => {
      const query = cursor === "" ? "" : `?cursor=${cursor}`;
      return await (await fetch(`${url}/v2/events/${id}/logs${query}`)).json();
    };
    const text = ({ items }: LogPage) => items.map(({ data }) => data).join("");
    const first = await until(async () => {
      const found = await page(a.url);
      return text(found).includes("one") ? found : undefined;
    });
    strictEqual(text(first), "one\n");
    const rest = await until(async () => {
      const found = await page(b.url, first.next_cursor ?? "");
      return text(found).includes("two") ? found : undefined;
    });
    strictEqual(text(rest), "two\n");

    for (const { url } of [a, b]) {
      await using follow = Program.start([
        ...["logs", id, "-f", "--cp-url", url, "-q"],
      ]);
      const { code } = await follow.status();
      deepStrictEqual([code, follow.output], [0, "one\ntwo"]);
    }
  },
});
