/**
 * The processes of one cluster, and the folder they work in: none outlives the
 * program that started them.
 *
 * @module
 */

import { TransporterError } from "@transporter/sdk";
import { join } from "node:path";

/** A component that runs. */
export interface Component {
  /** Its name, such as `"etcd"`. */
  readonly name: string;
  /** The process. */
  readonly pid: number;
  /** Resolves with the exit code once it has ended, by itself or not; never rejects. */
  readonly ended: Promise<number>;
}

/** Options of {@linkcode Processes.start}. */
export interface StartOptions {
  /** The folder it works in; the one of the processes unless given. */
  readonly cwd?: string;
  /** Variables to add to our own environment, of which nothing reaches the program unless this is given. */
  readonly env?: Readonly<Record<string, string>>;
}

interface Running extends Component {
  /** The end of the pipe whose other end tells the process that we live. */
  readonly lifeline: WritableStreamDefaultWriter<Uint8Array>;
  /** Once it has ended. */
  exitCode?: number;
}

/**
 * Becomes the program ($1 and on), with its output in a file ($0). Deno cannot
 * hand a file to a child, and a pipe would need us to empty it.
 */
const WITH_LOG = 'exec "$@" >"$0" 2>&1';

/**
 * Waits until standard input ends, which it does when its starter dies; then
 * kills the process groups it was told of, and removes the folder ($0).
 * The second try is for a file that was written while the first went by.
 */
const CARETAKER = `
while read -r pid; do groups="$groups -$pid"; done
[ -z "$groups" ] || kill -9 $groups 2>/dev/null
rm -rf "$0" || { sleep 1; rm -rf "$0"; }
`;

/** How much of a log is read for its last lines, in bytes. */
const TAIL_BYTES = 64 * 1024;

/** How many lines of its log an error quotes. */
const QUOTED_LINES = 5;

/** From the start of a component until it must be of use, in milliseconds: 3 s are usual, a busy machine takes more. */
const READY_WITHIN_MS = 120_000;

/** Between two looks whether it is, in milliseconds. */
const POLL_MS = 25;

/** How often the folder is removed again when something was written into it meanwhile. */
const REMOVE_TRIES = 20;

/**
 * Starts processes in a folder of their own, and ends them all. A caretaker
 * process does the same if this one dies without a word (SIGKILL): between the
 * start of a process and the line that tells the caretaker is a millisecond in
 * which it would be missed, so our own program also watches its standard input.
 */
export class Processes {
  /** The folder they work in, readable by this user only. */
  readonly dir: string;
  readonly #caretaker: Running;
  readonly #running = new Set<Running>();

  private constructor(dir: string, caretaker: Running) {
    this.dir = dir;
    this.#caretaker = caretaker;
  }

  /** Makes a folder and its caretaker. */
  static async open(): Promise<Processes> {
    const dir = await Deno.makeTempDir({ prefix: "transporter-localkube-" });
    return new Processes(
      dir,
      spawn("caretaker", [CARETAKER, dir], { cwd: "/" }),
    );
  }

  /** The last lines that a component logged. */
  log(name: string): Promise<string> {
    return tail(this.#logPath(name), QUOTED_LINES);
  }

  /** Starts a program; its log has the component's name. */
  async start(
    name: string,
    command: readonly string[],
    options: StartOptions = {},
  ): Promise<Component> {
    const running = spawn(
      name,
      [WITH_LOG, this.#logPath(name), ...command],
      { cwd: this.dir, ...options },
    );
    this.#running.add(running);
    const line = new TextEncoder().encode(`${running.pid}\n`);
    await this.#caretaker.lifeline.write(line);
    return running;
  }

  /**
   * Waits until something is ready for which all components must be alive.
   *
   * @throws {TransporterError} `no_cluster` with the last lines of a log when a component ends, or when it takes too long.
   */
  async until(
    ready: () => Promise<boolean>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const givesUpAt = performance.now() + READY_WITHIN_MS;
    while (!await ready()) {
      signal?.throwIfAborted();
      for (const { name, exitCode } of this.#running) {
        if (exitCode === undefined) continue;
        throw await this.#cannotStart(name, `ended with code ${exitCode}`);
      }
      if (performance.now() > givesUpAt) {
        const [last] = [...this.#running].slice(-1);
        const seconds = READY_WITHIN_MS / 1_000;
        throw await this.#cannotStart(
          last?.name ?? "nothing",
          `was not ready within ${seconds} s`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Ends one process at once; what it stored is not wanted any more. */
  async end(component: Component): Promise<void> {
    for (const running of this.#running) {
      if (running !== component) continue;
      this.#running.delete(running);
      await kill(running);
    }
  }

  /** Ends everything and removes the folder. Once only. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running].map(kill));
    this.#running.clear();
    await removeFolder(this.dir);
    // Last, so that somebody is there to clean up if we die before this line.
    await kill(this.#caretaker);
  }

  #logPath(name: string): string {
    return join(this.dir, `${name}.log`);
  }

  async #cannotStart(name: string, how: string): Promise<TransporterError> {
    const log = await this.log(name);
    return new TransporterError(
      "no_cluster",
      `Cannot start a Kubernetes API server as ${name} ${how}, its log ends with: ${
        log === "" ? "(nothing)" : log
      }`,
    );
  }
}

/** The last lines of a file, oldest first; empty when it is not there. */
export async function tail(path: string, lines: number): Promise<string> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    await file.seek(Math.max(0, size - TAIL_BYTES), Deno.SeekMode.Start);
    const text = await new Response(file.readable).text();
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Removes a folder in which processes that were killed may still end a write. */
async function removeFolder(path: string): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (tries === REMOVE_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** Runs a shell script in a session of its own, so that Ctrl-C is for us to handle. */
function spawn(
  name: string,
  script: readonly string[],
  { cwd, env }: StartOptions & { readonly cwd: string },
): Running {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", ...script],
    cwd,
    clearEnv: env === undefined,
    env: env ?? { PATH: "/usr/bin:/bin" },
    detached: true,
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const ended = child.status.then(({ code }) => {
    running.exitCode = code;
    killGroup(child.pid); // what it started itself, if anything
    return code;
  });
  const lifeline = child.stdin.getWriter();
  const running: Running = { name, pid: child.pid, ended, lifeline };
  return running;
}

async function kill(
  { pid, ended, lifeline, exitCode }: Running,
): Promise<void> {
  // The number of a process that has ended may be another's by now.
  if (exitCode === undefined) killGroup(pid);
  await ended;
  await lifeline.abort();
}

/** Kills a process and all that it started; of a session of ours the group has the number of the process. */
function killGroup(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied; // macOS, where all have ended
    if (!none) throw error;
  }
}
