/**
 * Follows "By hand, in three terminals" of the README, and of "Apply your own
 * manifest" what one manifest is enough for: every line as it stands there, with
 * the permissions of its task. Port and folders are told by the environment.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { dirname } from "node:path";
import { ROOT } from "../files.ts";
import { freePort } from "../free_port.ts";
import { blocksOf } from "../page.ts";
import { Program } from "../program.ts";
import { dialUrl } from "../system.ts";
import { ownCluster } from "./cluster.ts";

const README = await Deno.readTextFile(`${ROOT}README.md`);
const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));

/** The lines of the first block of a section, without comments. */
function linesOf(section: string): string[] {
  const text = README.split(`\n## ${section}\n`)[1]?.split("\n## ")[0] ?? "";
  const [block] = blocksOf(text).filter(({ language }) => language === "sh");
  return (block?.text ?? "").split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** What `deno task` runs, without itself: it would stand between a signal and its program. */
function asRun(line: string): string {
  return line.replace(/^deno task (\w+)/, (_, name: string) => {
    const command: unknown = tasks[name]?.command;
    ok(typeof command === "string", `there is no task "${name}"`);
    return command;
  });
}

Deno.test("README.md, by hand in three terminals: line by line, with the permissions of its tasks", async (t) => {
  await using stack = new AsyncDisposableStack();
  // Others apply the example, too, and take it away.
  const kube = stack.use(await ownCluster());
  const dir = await Deno.makeTempDir({ prefix: "transporter-by-hand-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const listen = `127.0.0.1:${freePort()}`;
  const url = `http://${listen}`;
  const env = {
    KUBECONFIG: kube.kubeconfig,
    PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`,
    TP_CP_LISTEN: listen,
    TP_CP_DATA_DIR: `${dir}/cp`,
    TP_AGENT_CP_URL: dialUrl(url, "ws"),
    TP_AGENT_DATA_DIR: `${dir}/agent`,
    TP_URL: url,
  };
  const start = (line: string) =>
    stack.use(Program.shell(asRun(line), { cwd: ROOT, env }));

  async function run(line: string): Promise<string> {
    const program = start(line);
    const { code } = await program.status();
    strictEqual(code, 0, program.output);
    return program.output;
  }

  const [cp = "", agent = "", ...commands] = linesOf(
    "By hand, in three terminals",
  );
  await start(cp).line(/Control plane listens/);
  await start(agent).line(/"Connected"/);
  const prints = [/^Namespace +transporter-test /m, /completed/, /edge-7/];
  strictEqual(commands.length, prints.length);
  for (const [i, line] of commands.entries()) {
    await t.step(line, async () => match(await run(line), prints[i] ?? /^$/));
  }

  const manifest = `${dir}/my.yaml`;
  await Deno.writeTextFile(
    manifest,
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: by-hand, namespace: transporter-test}\n",
  );
  const own = linesOf("Apply your own manifest")
    .filter((line) => /-f my\.yaml .*(--wait|--diff)$/.test(line));
  strictEqual(own.length, 3);
  for (const line of own) {
    await t.step(line, async () => {
      await run(line.replace("my.yaml", manifest));
    });
  }
});
