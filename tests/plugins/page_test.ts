/** What docs/plugins.md says is so: every block of it, one after the other, in one folder. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { readEntry } from "@transporter/agent/plugin";
import { isRecord } from "@transporter/sdk";
import { parse } from "yaml";
import { ROOT } from "../files.ts";
import { type Block, blocksOf, outcomePattern } from "../page.ts";
import { Program } from "../program.ts";
import { untilConnected } from "../system.ts";
import { folderOf } from "./tools.ts";

const PAGE = await Deno.readTextFile(`${ROOT}docs/plugins.md`);

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** What `transporter` is where the page says it. */
const PROGRAM = `#!/bin/sh
exec "${Deno.execPath()}" run --allow-all --no-prompt "${ROOT}main.ts" "$@"
`;

function commandsOf({ text }: Block): [command: string, output: string][] {
  return text.split(/^\$ /m).slice(1).map((each) => {
    const end = each.indexOf("\n");
    return [each.slice(0, end), each.slice(end + 1)];
  });
}

Deno.test("docs/plugins.md: a newcomer who does what it says sees what it says", async (t) => {
  await using dir = await folderOf({ "bin/transporter": PROGRAM });
  await Deno.chmod(`${dir.path}/bin/transporter`, 0o755);
  await Deno.mkdir(`${dir.path}/work`);
  const cwd = `${dir.path}/work`;
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  // What a newcomer has no need of: others use this machine, too.
  const env = {
    NO_COLOR: "1",
    PATH: `${dir.path}/bin:${Deno.env.get("PATH")}`,
    KUBERNETES_SERVICE_HOST: "",
    XDG_STATE_HOME: `${dir.path}/state`,
    TP_CP_LISTEN: `127.0.0.1:${port}`,
    TP_AGENT_CP_URL: `ws://127.0.0.1:${port}/ws`,
    TP_URL: url,
  };
  await using terminals = new AsyncDisposableStack();

  async function open(command: string): Promise<void> {
    const program = terminals.use(Program.shell(command, { cwd, env }));
    if (command.includes(" cp ")) await program.line(/Control plane listens/);
    else {
      await program.line(/Plugin runs in a process of its own/);
      await untilConnected(url, "edge-7");
    }
  }

  async function run(command: string, output: string): Promise<void> {
    const child = await new Deno.Command("sh", {
      args: ["-c", `${command} 2>&1`],
      cwd,
      env,
      stdin: "null",
    }).output();
    const printed = new TextDecoder().decode(child.stdout).trimEnd();
    const wanted = output.trimEnd().split("\n");
    // "…" in a line of its own is whatever comes before.
    const isCut = wanted[0] === "…";
    if (isCut) wanted.shift();
    const lines = printed.split("\n").slice(isCut ? -wanted.length : 0);
    match(lines.join("\n"), outcomePattern(wanted.join("\n")));
    strictEqual(child.code !== 0, /^error\[/m.test(output), printed);
  }

  for (const block of blocksOf(PAGE)) {
    const { language, title, text, line } = block;
    if (language === "console") {
      for (const [command, output] of commandsOf(block)) {
        await t.step({
          name: `line ${line}: ${command}`,
          // What terminals run is read from one step to the next: the whole test is looked at.
          sanitizeOps: false,
          sanitizeResources: false,
          fn: () => title === "terminal" ? open(command) : run(command, output),
        });
      }
      continue;
    }
    if (title === "greet/mod.ts") {
      await t.step(`line ${line}: ${title} is what was made`, async () => {
        strictEqual(await Deno.readTextFile(`${cwd}/${title}`), text);
      });
    } else if (title !== "") {
      await Deno.writeTextFile(`${cwd}/${title}`, text);
    }
  }
});

Deno.test("docs/plugins.md: its configuration file is one", () => {
  const block = blocksOf(PAGE).find(({ title }) => title === "agent.yaml");
  const { plugin: [entry] } = parse(block?.text ?? "");
  const { allow, memoryMib, secrets } = readEntry(entry, {
    flag: "plugin",
    cwd: "/",
  });
  deepStrictEqual([allow.net, memoryMib, secrets["token"]?.at], [
    ["tickets.example.com:443"],
    256,
    "TICKETS_TOKEN",
  ]);
  strictEqual(isRecord(entry.config), true);
});
