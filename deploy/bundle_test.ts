import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type EventView, isTerminal } from "@transporter/sdk";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../tests/system.ts";
import { bundleProgram, minify } from "./bundle.ts";

const PLUGIN =
  new URL("../examples/custom_executor/mod.ts", import.meta.url).pathname;

const KUBECONFIG = `
apiVersion: v1
kind: Config
current-context: none
clusters: [{name: none, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: none, user: {token: none}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
`;

Deno.test("minify() keeps what is disposed of at the end of its block, also when it is read once, and what is not ASCII", async () => {
  const [text = ""] = await minify([`
    export function read(open) {
      using limit = open();
      return limit.signal;
    }
    export async function wait(open) {
      await using limit = open();
      return limit.signal;
    }
    export const unit = /^[µ…]\\s😀$/u;
    export const shown = "µ… 😀";
  `]);
  strictEqual(/[^\0-\x7f]/.exec(text)?.[0], undefined, "it is ASCII");
  const { read, wait, unit, shown } = await import(
    `data:text/javascript,${encodeURIComponent(text)}`
  );
  const disposed: string[] = [];
  const open = () => ({
    signal: "signal",
    [Symbol.dispose]: () => void disposed.push("now"),
    [Symbol.asyncDispose]: () => Promise.resolve(disposed.push("later")),
  });
  deepStrictEqual([read(open), await wait(open)], ["signal", "signal"]);
  deepStrictEqual(disposed, ["now", "later"]);
  strictEqual(shown, "µ… 😀");
  const tested = ["… 😀", "µ 😀", "x 😀"].map((it) => unit.test(it));
  deepStrictEqual(tested, [true, true, false]);
});

Deno.test("bundleProgram() makes a program that runs anywhere, and loads nothing before it is needed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "transporter-test-" });
  try {
    const path = `${folder}/transporter.js`;
    await bundleProgram(path);
    const parts = (await Array.fromAsync(Deno.readDir(`${folder}/parts`)))
      .map(({ name }) => `${folder}/parts/${name}`);
    for (const file of [path, ...parts]) {
      const text = await Deno.readTextFile(file);
      // Deno would read all that is named so, and all of the runtime's modules.
      strictEqual(/\bimport\("\.\/|"node:module"/.exec(text)?.[0], undefined);
    }
    const run = (...args: readonly string[]) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", "--no-prompt", path, ...args],
        cwd: folder,
        env: { NO_COLOR: "1" },
      }).output();
    const version = await run("version");
    strictEqual(version.code, 0);
    match(new TextDecoder().decode(version.stdout), /^transporter \d/);
    const refused = await run("cp", "--listen", "127.0.0.1:0");
    strictEqual(refused.code, 2);
    match(new TextDecoder().decode(refused.stderr), /^error\[usage\]: /);
    // All the way: an agent dials in. It has a cluster, and asks it nothing before there is work.
    const kubeconfig = `${folder}/kubeconfig`;
    await Deno.writeTextFile(kubeconfig, KUBECONFIG);
    await using cp = await CpProcess.start({ script: path });
    await using _agent = await AgentProcess.start("bundled", {
      cpUrl: cp.agentUrl,
      flags: ["--kubeconfig", kubeconfig],
      script: path,
    });
    await untilConnected(cp.url, "bundled");
    // And one with a plugin, whose process loads what was bundled for it.
    await using _plugged = await AgentProcess.start("plugged", {
      cpUrl: cp.agentUrl,
      flags: ["--plugin", PLUGIN],
      env: { KUBERNETES_SERVICE_HOST: "" },
      script: path,
    });
    await untilConnected(cp.url, "plugged");
    const { event_id: id } = await submit(cp.url, {
      type: "greet",
      target_agent: "plugged",
      payload: { name: "Ada" },
      ttl: "1m",
    });
    const ended = await until(async () => {
      const answer = await fetch(`${cp.url}/v2/events/${id}`);
      const view: EventView = await answer.json();
      return isTerminal(view.state) ? view : undefined;
    });
    strictEqual(ended.result?.["greeting"], "Hello, Ada", ended.message);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
