import { systemClock, systemRng } from "@transporter/sdk";
import type { Files, Input, Machine, Output } from "./host.ts";

/** The part of a standard stream of Deno that an output needs. */
interface Stream {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

const encoder = new TextEncoder();

function output(stream: Stream): Output {
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
    write(text) {
      let bytes = encoder.encode(text);
      while (bytes.length > 0) {
        bytes = bytes.subarray(stream.writeSync(bytes));
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
    stdout: output(Deno.stdout),
    stderr: output(Deno.stderr),
    files: systemFiles,
    fetch: globalThis.fetch,
    clock: systemClock,
    rng: systemRng,
  };
}
