import { systemClock, systemRng, TransporterError } from "@transporter/sdk";
import type { Files, Input, Machine, Output } from "./host.ts";

/** The part of a standard stream of Deno that an output needs. */
interface Stream {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

const encoder = new TextEncoder();

/** What it means that a result could not be written; a closed pipe is told apart by whoever runs the command. */
function unwritten(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof Deno.errors.BrokenPipe) {
    return cause;
  }
  return "code" in cause && cause.code === "ENOSPC"
    ? new TransporterError(
      "disk_full",
      "Cannot write the result as the disk of standard output is full: make room, or write elsewhere",
      { cause },
    )
    : new TransporterError(
      "unavailable",
      `Cannot write the result to standard output: ${cause.message}`,
      { cause },
    );
}

/**
 * Standard error cannot say that it cannot be written: what does not fit is
 * dropped, and no command, control plane or agent ends for its messages' sake.
 */
function unheard(): undefined {
  return undefined;
}

function output(
  stream: Stream,
  lost: (cause: unknown) => unknown,
): Output {
  return {
    get isTerminal() {
      return stream.isTerminal();
    },
    get columns() {
      // A terminal that does not know its size says 0; without one, asking throws.
      return stream.isTerminal()
        ? Deno.consoleSize().columns || undefined
        : undefined;
    },
    get rows() {
      return stream.isTerminal()
        ? Deno.consoleSize().rows || undefined
        : undefined;
    },
    write(text) {
      let bytes = encoder.encode(text);
      try {
        while (bytes.length > 0) {
          bytes = bytes.subarray(stream.writeSync(bytes));
        }
      } catch (cause) {
        const error = lost(cause);
        if (error !== undefined) throw error;
      }
    },
  };
}

const stdin: Input = {
  get isTerminal() {
    return Deno.stdin.isTerminal();
  },
  open: () => Deno.stdin.readable,
};

/** The file system of the machine. */
export const systemFiles: Files = {
  async kindOf(path) {
    try {
      return (await Deno.stat(path)).isDirectory ? "folder" : "file";
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
  async open(path) {
    return (await Deno.open(path)).readable;
  },
  async list(path) {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.map(({ name, isDirectory }) => ({
      name,
      isFolder: isDirectory,
    }));
  },
};

/** The machine that this process runs on, for `main.ts`. */
export function systemMachine(): Machine {
  return {
    env: Deno.env.toObject(),
    stdin,
    stdout: output(Deno.stdout, unwritten),
    stderr: output(Deno.stderr, unheard),
    files: systemFiles,
    fetch: globalThis.fetch,
    clock: systemClock,
    rng: systemRng,
  };
}
