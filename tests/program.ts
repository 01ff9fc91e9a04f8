import { AGENT_FLAGS } from "../deploy/agent_flags.ts";
import { limited } from "./until.ts";

/** Options of {@linkcode Program.start}. */
export interface ProgramOptions {
  /** What is run instead of `main.ts` from source, such as a bundle. */
  readonly script?: string;
  /** Environment variables besides the test's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes the program, such as `["prlimit", "--nofile=64"]`. */
  readonly via?: readonly string[];
}

/**
 * The `transporter` program as a process of its own: started, read and killed
 * as an operator would.
 */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #ended: Promise<Deno.CommandStatus>;
  #wake = Promise.withResolvers<void>();
  #over = false;

  /** Starts it. */
  static start(args: readonly string[], options: ProgramOptions = {}): Program {
    const script = options.script ??
      new URL("../main.ts", import.meta.url).pathname;
    const [command = "", ...rest] = [
      ...options.via ?? [],
      Deno.execPath(),
      ...["run", "--allow-all", "--no-prompt"],
      ...args[0] === "agent" ? AGENT_FLAGS : [], // as people are told to start it
      ...[script, ...args],
    ];
    const child = new Deno.Command(command, {
      args: rest,
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new Program(child);
  }

  /** Starts a command line of a shell, which its last command becomes. */
  static shell(
    line: string,
    { cwd, env }: {
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
    },
  ): Program {
    const child = new Deno.Command("sh", {
      args: ["-c", `exec ${line}`],
      cwd,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new Program(child);
  }

  /** Made by {@linkcode Program.start}. */
  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    const read = [this.#read(child.stdout), this.#read(child.stderr)];
    this.#ended = Promise.all(read).then(() => child.status).then((status) => {
      this.#over = true;
      this.#wake.resolve();
      return status;
    });
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.#lines.push(...lines);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
    if (rest !== "") this.#lines.push(rest);
  }

  /** The process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What it has printed so far, both streams. */
  get output(): string {
    return this.#lines.join("\n");
  }

  /** The first line that matches, as soon as there is one; throws with the output when none comes, or the program ends first. */
  line(regexp: RegExp): Promise<RegExpExecArray> {
    return limited(this.#find(regexp), () => `${regexp}:\n${this.output}`);
  }

  async #find(regexp: RegExp): Promise<RegExpExecArray> {
    for (let i = 0;; i++) {
      while (i >= this.#lines.length) {
        if (this.#over) {
          throw new Error(
            `Cannot find ${regexp} as the program ended:\n${this.output}`,
          );
        }
        await this.#wake.promise;
      }
      const match = regexp.exec(this.#lines[i] ?? "");
      if (match !== null) return match;
    }
  }

  /** Sends a signal; nothing happens when it has ended. */
  kill(signal: Deno.Signal): void {
    if (this.#over) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It ended between the question and the signal.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Resolves when it has ended, with how. */
  status(): Promise<Deno.CommandStatus> {
    return this.#ended;
  }

  /** Kills it, and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.#ended;
  }
}
