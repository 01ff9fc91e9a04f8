import { TransporterError } from "@transporter/sdk";
import { createHash } from "node:crypto";
import { SYSTEM_REGEXP } from "./inside.ts";

/** A program that may run scripts. */
export interface Interpreter {
  /** What events call it. */
  readonly name: string;
  /** Where it is. */
  readonly path: string;
  /** Digest of that very program, in hex; `undefined`: whatever is there may run. */
  readonly sha256: string | undefined;
}

/** A program of this machine that may run scripts. */
export interface Program extends Interpreter {
  /** The program itself, without links on the way to it. */
  readonly path: string;
  /** Where a script finds it: where it is if that is a folder of the system's, else a place of its own. */
  readonly inside: string;
}

const INTERPRETER_REGEXP =
  /^([A-Za-z0-9][A-Za-z0-9._+-]{0,63})=(\/[^\0]*?)(?:@sha256:([0-9a-f]{64}))?$/;

/**
 * Reads what may run scripts.
 *
 * @param specs Each `NAME=PATH` or `NAME=PATH@sha256:HEX`.
 * @returns The interpreters, by name.
 * @throws {TransporterError} `usage`, naming what does not fit.
 */
export function readInterpreters(
  specs: readonly string[],
): ReadonlyMap<string, Interpreter> {
  const found = new Map<string, Interpreter>();
  for (const spec of specs) {
    const [, name, path, sha256] = INTERPRETER_REGEXP.exec(spec) ?? [];
    if (name === undefined || path === undefined) {
      refuse(
        spec,
        'it must be like "python3=/usr/bin/python3", with "@sha256:" and 64 hex digits where only that very program may run',
      );
    }
    if (found.has(name)) refuse(spec, `"${name}" is there already`);
    found.set(name, { name, path, sha256 });
  }
  return found;
}

/**
 * Finds the programs on this machine.
 *
 * @throws {TransporterError} `usage`, naming what is not there.
 */
export async function findPrograms(
  interpreters: readonly Interpreter[],
): Promise<ReadonlyMap<string, Program>> {
  const found = new Map<string, Program>();
  for (const { name, path, sha256 } of interpreters) {
    const real = await realPath(`${name}=${path}`, path);
    const inside = SYSTEM_REGEXP.test(real) ? real : `/interpreters/${name}`;
    found.set(name, { name, path: real, inside, sha256 });
  }
  return found;
}

function refuse(spec: string, why: string, cause?: unknown): never {
  throw new TransporterError(
    "usage",
    `Cannot use the interpreter "${spec}": ${why}`,
    { cause },
  );
}

async function realPath(spec: string, path: string): Promise<string> {
  try {
    const real = await Deno.realPath(path);
    if ((await Deno.stat(real)).isFile) return real;
  } catch (cause) {
    refuse(spec, `"${path}" cannot be looked at`, cause);
  }
  return refuse(spec, `"${path}" is no file`);
}

/** Digests of programs, which are large and change seldom. */
export class Digests {
  readonly #known = new Map<
    string,
    { readonly of: string; readonly hex: string }
  >();

  /**
   * Refuses a program that is not the one that was allowed.
   *
   * @throws {TransporterError} `denied`.
   */
  async check({ name, path, sha256 }: Program): Promise<void> {
    if (sha256 === undefined) return;
    const hex = await this.#digest(path);
    if (hex === sha256) return;
    throw new TransporterError(
      "denied",
      `Cannot run a script with "${name}" as "${path}" is not the program that the operator of the agent allowed: its SHA-256 is ${hex}`,
    );
  }

  async #digest(path: string): Promise<string> {
    using file = await Deno.open(path);
    const { ino, size, mtime, ctime } = await file.stat();
    const of = [ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
    const known = this.#known.get(path);
    if (known?.of === of) return known.hex;
    const hash = createHash("sha256");
    for await (const chunk of file.readable) hash.update(chunk);
    const hex = hash.digest("hex");
    this.#known.set(path, { of, hex });
    return hex;
  }
}
