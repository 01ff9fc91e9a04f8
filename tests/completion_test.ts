/**
 * Tab, pressed in real shells on a pseudo-terminal: what the scripts of
 * `transporter completion` make of a line is what the program is called with.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ROOT } from "./files.ts";
import { CpProcess, until } from "./system.ts";
import { limited } from "./until.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = typeof SHELLS[number];

/** What is typed, Enter aside; and what the program is then called with. */
const LINES: readonly (readonly [keys: string, called: string])[] = [
  ["transporter comple\tba\t", "completion|bash"],
  ["transporter get events --st\tfa\t", "get|events|--state|failed"],
  ["transporter get events --state=fa\t", "get|events|--state=failed"],
  ["transporter logs team:al\t", "logs|team:alpha"],
  ["transporter get event tea\tal\t", "get|event|team:alpha"],
  ["transporter logs team:\tbe\t", "logs|team:beta"],
  ["transporter send k8s -f man\tw\t", "send|k8s|-f|manifests/web.yaml"],
  ["transporter send k8s -f my\t", "send|k8s|-f|my file.yaml"],
  ["transporter send k8s -f ~/n\t", "send|k8s|-f|HOME/notes.yaml"],
  ["transporter cp --config=ns\t", "cp|--config=ns.yaml"],
  // The cursor goes back to the end of "desc": what stands behind it does not count.
  [`transporter desc -o json${"\u001b[D".repeat(8)}\t`, "describe|-o|json"],
];

async function has(shell: Shell): Promise<boolean> {
  try {
    const command = new Deno.Command(shell, {
      args: ["--version"],
      stdin: "null",
    });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A folder with what a line may name, a program that writes down how it is called, and the shells' scripts. */
class Desk implements AsyncDisposable {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  static async open(): Promise<Desk> {
    const dir = await Deno.makeTempDir({ prefix: "transporter-tab-" });
    for (const name of ["bin", "home", "desk/manifests"]) {
      await Deno.mkdir(`${dir}/${name}`, { recursive: true });
    }
    const files = ["ns.yaml", "my file.yaml", "manifests/web.yaml"];
    for (const name of files) {
      await Deno.writeTextFile(`${dir}/desk/${name}`, "");
    }
    await Deno.writeTextFile(`${dir}/home/notes.yaml`, "");
    const program =
      `'${Deno.execPath()}' run -A --no-check --quiet '${ROOT}main.ts'`;
    await Deno.writeTextFile(
      `${dir}/bin/transporter`,
      `#!/bin/sh
if [ "$1" = complete ]; then echo "$*" >> '${dir}/asked'; exec ${program} "$@"; fi
(IFS='|'; printf '%s\\n' "$*") >> '${dir}/called'
`,
      { mode: 0o755 },
    );
    return new Desk(dir);
  }

  /** The shell with the script as its help says, and a prompt to wait for. */
  async command(shell: Shell): Promise<string> {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "-q",
        `${ROOT}main.ts`,
        "completion",
        shell,
      ],
    }).output();
    const home = `${this.dir}/home`;
    await Deno.writeFile(`${home}/script`, stdout);
    if (shell === "bash") {
      // Twice, as whoever reads a profile again does.
      const source = `source '${home}/script'\n`;
      await Deno.writeTextFile(`${home}/rc`, `${source}${source}PS1='tab> '\n`);
      return `bash --rcfile '${home}/rc' -i`;
    }
    if (shell === "zsh") {
      await Deno.mkdir(`${home}/functions`);
      await Deno.writeFile(`${home}/functions/_transporter`, stdout);
      await Deno.writeTextFile(
        `${home}/.zshrc`,
        `fpath=('${home}/functions' $fpath)\nautoload -Uz compinit\ncompinit -u\nPS1='tab> '\n`,
      );
      return "zsh -i";
    }
    const folder = `${home}/.config/fish`;
    await Deno.mkdir(`${folder}/completions`, { recursive: true });
    await Deno.writeFile(`${folder}/completions/transporter.fish`, stdout);
    await Deno.writeTextFile(
      `${folder}/config.fish`,
      "function fish_prompt; printf 'tab> '; end\nfunction fish_greeting; end\n",
    );
    return "fish -i";
  }

  /** The lines of a file of it; none while there is no such file. */
  async lines(name: "called" | "asked"): Promise<string[]> {
    try {
      const text = await Deno.readTextFile(`${this.dir}/${name}`);
      return text.split("\n").slice(0, -1);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Waits until a file of it has a line more than so many, and returns that. */
  async next(name: "called" | "asked", count: number): Promise<string> {
    return await until(async () => (await this.lines(name))[count]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Where Deno keeps modules: a program with another home shall not load them again. */
async function findDenoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  const { denoDir }: { denoDir: string } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  return denoDir;
}

/** A shell on a terminal. */
class Keyboard implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;
  #wake = Promise.withResolvers<void>();
  #over = false;
  shown = "";

  constructor(
    command: string,
    desk: Desk,
    { url, denoDir }: { readonly url: string; readonly denoDir: string },
  ) {
    const home = `${desk.dir}/home`;
    this.#child = new Deno.Command("script", {
      args: [
        ...["--quiet", "--return", "--flush", "--command"],
        `stty columns 200 rows 50; exec ${command}`,
        "/dev/null",
      ],
      cwd: `${desk.dir}/desk`,
      env: {
        PATH: `${desk.dir}/bin:${Deno.env.get("PATH")}`,
        HOME: home,
        ZDOTDIR: home,
        XDG_CONFIG_HOME: `${home}/.config`,
        XDG_DATA_HOME: `${home}/.local`,
        DENO_DIR: denoDir,
        TERM: "xterm",
        TP_URL: url,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.#read = this.#listen();
  }

  async #listen(): Promise<void> {
    const text = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const part of text) {
      this.shown += part;
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
    this.#over = true;
    this.#wake.resolve();
  }

  /** Waits for something that is shown after a place. */
  until(wanted: string, from: number): Promise<void> {
    return limited(
      this.#find(wanted, from),
      () => `"${wanted}"; it shows\n${this.shown}`,
    );
  }

  async #find(wanted: string, from: number): Promise<void> {
    while (!this.shown.slice(from).includes(wanted)) {
      if (this.#over) throw new Error(`It ended:\n${this.shown}`);
      await this.#wake.promise;
    }
  }

  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.type("\u0015exit\n");
    await this.#keys.close().catch(() => {}); // it is gone already
    await this.#read;
    await this.#child.status;
  }
}

/** Events whose ids have a colon, for an agent that is never there. */
async function sendEvents({ url }: CpProcess): Promise<void> {
  for (const id of ["team:alpha", "team:beta"]) {
    const answer = await fetch(`${url}/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...{ id, type: "script", target_agent: "edge", ttl: 3600e9 },
        ...{ created_at: "2026-11-28T05:04:27Z", created_by: "test" },
        payload: { script: "true" },
      }),
    });
    strictEqual(answer.status, 202, await answer.text());
  }
}

for (const shell of SHELLS) {
  Deno.test({
    name:
      `completion: Tab completes commands, options, ids and paths (${shell})`,
    ignore: !await has(shell),
    async fn() {
      await using cp = await CpProcess.start();
      await sendEvents(cp);
      await using desk = await Desk.open();
      const denoDir = await findDenoDir();
      await using keyboard = new Keyboard(await desk.command(shell), desk, {
        url: cp.url,
        denoDir,
      });
      await keyboard.until("tab> ", 0);
      const called: string[] = [];
      for (const [keys] of LINES) {
        const from = keyboard.shown.length;
        await keyboard.type(`${keys}\n`);
        called.push(await desk.next("called", called.length));
        await keyboard.until("tab> ", from + 1);
      }
      deepStrictEqual(
        called.map((line) => line.replace(`${desk.dir}/home`, "HOME")),
        LINES.map(([, wanted]) => wanted),
      );

      // What stands on the line is not run by Tab.
      const asked = await desk.lines("asked");
      await keyboard.type("transporter logs $(touch ran) ev\t");
      await desk.next("asked", asked.length);
      const from = keyboard.shown.length;
      await keyboard.type("\u0015\n"); // Ctrl-U: the line is not wanted
      await keyboard.until("tab> ", from);
      const left = await Array.fromAsync(Deno.readDir(`${desk.dir}/desk`));
      ok(!left.some(({ name }) => name === "ran"), "it was run");
    },
  });
}

Deno.test("completion bash: its script may be read again, and needs nothing else", async () => {
  await using desk = await Desk.open();
  await desk.command("bash");
  const { success, stderr } = await new Deno.Command("bash", {
    args: [
      ...["--norc", "--noprofile", "-euc"],
      `source '${desk.dir}/home/script'; source '${desk.dir}/home/script'; complete -p transporter`,
    ],
    stdout: "null",
  }).output();
  strictEqual(new TextDecoder().decode(stderr), "");
  ok(success);
});
