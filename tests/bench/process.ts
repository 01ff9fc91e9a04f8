/**
 * What a process has used so far, as Linux tells it.
 *
 * @see {@link https://man7.org/linux/man-pages/man5/proc.5.html}
 * @module
 */
import type { Load, LoadOutcome } from "./load.ts";
import type { WireLoad, WireOutcome } from "./wire_load.ts";

/** Milliseconds of a tick of the clock in `/proc/PID/stat`. */
const TICK_MS = 10;

/** CPU time of all threads of a process, in milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/**
 * For `via` of a program: its log goes to a file, as a service manager keeps
 * it. Over a pipe whoever measures would read, decode and split each line.
 */
export function logsTo(file: string): readonly string[] {
  return ["sh", "-c", 'log=$1; shift; exec "$@" 2>"$log"', "sh", file];
}

/** A program of ours that runs. */
interface Running {
  readonly program: { readonly pid: number };
}

/**
 * Runs something, and tells what each event cost both programs: unlike a rate,
 * that says little about what else the machine does.
 */
export async function withCost(
  { cp, agent }: { readonly cp: Running; readonly agent: Running },
  events: number,
  run: () => Promise<number>,
): Promise<{ readonly rate: number; readonly cost: string }> {
  const cpuOf = () =>
    Promise.all([cp, agent].map(({ program }) => cpuMs(program.pid)));
  const before = await cpuOf();
  const rate = await run();
  const [ofCp, ofAgent] = (await cpuOf()).map((ms, i) =>
    ((ms - (before[i] ?? 0)) / events).toFixed(1)
  );
  return {
    rate,
    cost: `${ofCp} ms CPU of the control plane, ${ofAgent} of the agent`,
  };
}

/** A figure of `/proc/PID/status` in MB (10^6 bytes), such as `VmRSS` or `VmHWM`. */
export async function memoryMb(pid: number, name: string): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  const kb = new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1];
  return Number(kb) * 1024 / 1e6;
}

/** Bytes that a process had written to disks. */
export async function writtenBytes(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/io`);
  return Number(/^write_bytes: (\d+)$/m.exec(text)?.[1]);
}

/** Runs a load in a process of its own. */
export function runLoad(load: Load): Promise<LoadOutcome> {
  return run("load.ts", load);
}

/** Runs agents over one kind of wire in a process of its own. */
export function runWireLoad(load: WireLoad): Promise<WireOutcome> {
  return run("wire_load.ts", load);
}

/** Runs a program of this folder with one argument, and returns the JSON that it prints. */
async function run<T>(name: string, argument: object): Promise<T> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-prompt",
      new URL(name, import.meta.url).pathname,
      JSON.stringify(argument),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}
