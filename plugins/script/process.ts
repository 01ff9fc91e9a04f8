import { type Clock, type OutputStream, Redactor } from "@transporter/sdk";
import { PATH } from "./inside.ts";
import type { Usage } from "./job/frames.ts";

/** Characters of the end of standard error that a sentence about a failure is made of. */
const LAST_CHARS_MAX = 4096;

/**
 * Closes what the agent left open without knowing, opens what the confinement is
 * to find open, and forgets the files: what of them is needed stays, and nothing
 * is left behind. Nothing of an event is a part of this text.
 */
const LAUNCH = `for fd in /proc/$$/fd/*; do
  fd=\${fd##*/}
  [ "$fd" -le 2 ] || eval "exec $fd>&-"
done
exec 7<"$1" 8<"$2" 9<"$3"
rm -f "$1" "$2" "$3"
shift 3
exec "$@"`;

/** The shell that can close any file: not each /bin/sh can where its number has two digits. */
async function launcher(): Promise<string> {
  try {
    await Deno.stat("/bin/bash");
    return "/bin/bash";
  } catch {
    return "/bin/sh";
  }
}

/** A process to run. */
export interface ProcessOptions {
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** The files that it finds open at 7, 8 and 9; they are removed. */
  readonly files: readonly [string, string, string];
  /** Its standard input; nothing unless given. */
  readonly stdin: string | undefined;
  /** What must not be seen in its output. */
  readonly secrets: readonly string[];
  /** Aborts when it has to end. */
  readonly signal: AbortSignal;
  /** How long it has to end by itself after SIGTERM, in milliseconds. */
  readonly graceMs: number;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Takes what it writes. */
  readonly output: (stream: OutputStream, text: string) => void;
}

/** How a process ended. */
export interface ProcessEnd {
  /** Whether the script was begun at all; if not, the confinement could not be made. */
  readonly begun: boolean;
  /** Its exit code; 128 and the number of a signal if that ended it. */
  readonly code: number;
  /** Bytes that it wrote. */
  readonly bytes: Readonly<Record<OutputStream, number>>;
  /** The last line that it wrote to standard error. */
  readonly lastLine: string;
  /** Why it ended, where something else than itself says so. */
  readonly reason?: string;
  /** What it was stopped for, the reason of an abort; absent: it ended by itself. */
  readonly stopped?: unknown;
  /** How long it took, in milliseconds, where only who ran it knows. */
  readonly tookMs?: number;
  /** What people should know. */
  readonly warnings?: readonly string[];
  /** What it used, if anybody knows. */
  readonly usage?: Usage;
}

/** Sends a signal to a process and all of its group; does nothing when they are gone. */
function signalGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Runs a process in a group of its own, to its end or until it has to end: then
 * SIGTERM, and after a grace SIGKILL, by which all end that came out of it.
 */
export async function runProcess(options: ProcessOptions): Promise<ProcessEnd> {
  const { args, files, stdin, signal, clock, graceMs } = options;
  const shell = await launcher();
  signal.throwIfAborted();
  const child = new Deno.Command(shell, {
    args: ["-c", LAUNCH, "sh", ...files, ...args],
    clearEnv: true,
    env: { PATH },
    cwd: "/",
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const over = new AbortController();
  async function stop(): Promise<void> {
    signalGroup(child.pid, "SIGTERM");
    await clock.sleep(graceMs, { signal: over.signal }).catch(() => {});
    if (!over.signal.aborted) signalGroup(child.pid, "SIGKILL");
  }
  let stopped: Promise<void> | undefined;
  const abort = () => stopped = stop();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const reader = new Reader(options);
    const [status] = await Promise.all([
      child.status.finally(() => over.abort()),
      reader.read("stdout", child.stdout),
      reader.read("stderr", child.stderr),
      stdin === undefined ? undefined : feed(child.stdin, stdin),
    ]);
    return { ...reader.end(), code: status.code };
  } finally {
    signal.removeEventListener("abort", abort);
    await stopped;
  }
}

/** Gives a process its standard input; it need not read it. */
async function feed(
  stream: WritableStream<Uint8Array>,
  text: string,
): Promise<void> {
  try {
    await ReadableStream.from([new TextEncoder().encode(text)]).pipeTo(stream);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Reads both streams of a process. */
class Reader {
  readonly #options: ProcessOptions;
  readonly #bytes: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  #begun = false;
  #last = "";

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  async read(
    name: OutputStream,
    stream: ReadableStream<Uint8Array>,
  ): Promise<void> {
    const decoder = new TextDecoder();
    const redactor = new Redactor(this.#options.secrets);
    for await (const bytes of stream) {
      const own = name === "stdout" ? this.#ownOf(bytes) : bytes;
      this.#bytes[name] += own.length;
      this.#take(name, redactor.push(decoder.decode(own, { stream: true })));
    }
    this.#take(name, redactor.push(decoder.decode()) + redactor.end());
  }

  /** What the script wrote: the first byte says that it began. */
  #ownOf(bytes: Uint8Array): Uint8Array {
    if (this.#begun || bytes[0] !== 0) return bytes;
    this.#begun = true;
    return bytes.subarray(1);
  }

  #take(name: OutputStream, text: string): void {
    if (text === "") return;
    if (name === "stderr") {
      this.#last = (this.#last + text).slice(-LAST_CHARS_MAX);
    }
    this.#options.output(name, text);
  }

  end(): Omit<ProcessEnd, "code"> {
    const lines = this.#last.trimEnd().split("\n");
    return {
      begun: this.#begun,
      bytes: this.#bytes,
      lastLine: lines.at(-1)?.trim() ?? "",
    };
  }
}
