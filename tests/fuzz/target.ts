/**
 * What is attacked: the program as a process of its own, whose memory has a cap
 * and is watched from outside.
 *
 * @module
 */

import { ok, strictEqual } from "node:assert/strict";
import { Program } from "../program.ts";

/** Mebibytes that V8 may use for old objects; beyond it the process ends, which fails the test. */
const OLD_SPACE_MIB_MAX = 128;

/** Bytes of data that the kernel gives the process at all: what V8's cap does not count is in here too. */
const DATA_BYTES_MAX = 1024 * 1024 * 1024;

/** Bytes by which a process may grow under attack (G9). */
export const GROWTH_BYTES_MAX: number = 64 * 1024 * 1024;

/** Milliseconds within which an attack has its answer (G9), at least once in {@linkcode ANSWER_TRIES_MAX}. */
export const ANSWER_MS_MAX = 1000;

/** How often an attack is repeated whose answer comes late: other tests may be why once, its bytes are why each time. */
export const ANSWER_TRIES_MAX = 5;

/** Milliseconds after which something counts as hanging, also beside other tests. */
export const HANG_MS_MAX = 10_000;

/** How much memory a process has, from outside. Bytes. */
export interface Memory {
  /** Resident now. */
  readonly rss: number;
  /** The most that was resident since {@linkcode Target.forgetPeak}. */
  readonly peak: number;
}

/** A process under attack. */
export class Target implements AsyncDisposable {
  /** The process. */
  readonly program: Program;
  /** The port it listens on; 0 when it listens on none. */
  readonly port: number;
  readonly #folder: string | undefined;

  /** Use {@linkcode Target.startCp} or {@linkcode Target.watch}. */
  constructor(program: Program, port: number, folder?: string) {
    this.program = program;
    this.port = port;
    this.#folder = folder;
  }

  /** Starts a control plane with a store on disk, and waits until it serves. */
  static async startCp(...flags: readonly string[]): Promise<Target> {
    const folder = await Deno.makeTempDir({ prefix: "transporter-fuzz-" });
    const program = Program.start(
      ["cp", "--dev", "--listen", "127.0.0.1:0", "--data-dir", folder]
        .concat(flags),
      { env: capped() },
    );
    const [, port] = await program.line(
      /"message":"Control plane listens".*"url":"http:\/\/[^:"]+:(\d+)/,
    );
    const target = new Target(program, Number(port), folder);
    await target.cap();
    return target;
  }

  /** Where its API is. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Limits the data of the process, which has to run by now. */
  async cap(): Promise<void> {
    const { success, stderr } = await new Deno.Command("prlimit", {
      args: ["--pid", String(this.program.pid), `--data=${DATA_BYTES_MAX}`],
      stderr: "piped",
    }).output();
    ok(success, new TextDecoder().decode(stderr));
  }

  /** How much memory it has. */
  async memory(): Promise<Memory> {
    const status = await Deno.readTextFile(`/proc/${this.program.pid}/status`);
    return { rss: kib(status, "VmRSS"), peak: kib(status, "VmHWM") };
  }

  /** Lets the peak of its memory begin anew. */
  async forgetPeak(): Promise<void> {
    await Deno.writeTextFile(`/proc/${this.program.pid}/clear_refs`, "5");
  }

  /** Fails unless it lives, answers, is ready, and has said nothing of a fault of its own. */
  async mustBeWell(): Promise<void> {
    for (const path of ["/livez", "/readyz"]) {
      const answer = await fetch(this.url + path, {
        signal: AbortSignal.timeout(HANG_MS_MAX),
      });
      strictEqual(answer.status, 200, await answer.text());
    }
    this.mustBeSilent();
  }

  /** Fails when it has logged a fault of its own. */
  mustBeSilent(): void {
    const faults = this.program.output.split("\n").filter((line) =>
      line.includes('"level":"error"') || line.includes("Uncaught") ||
      line.includes("panicked") || line.includes("out of memory")
    );
    strictEqual(faults.join("\n"), "");
  }

  /** Ends it, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    if (this.#folder !== undefined) {
      await Deno.remove(this.#folder, { recursive: true });
    }
  }
}

/** The environment of a process whose memory has a cap. */
export function capped(): Record<string, string> {
  return { DENO_V8_FLAGS: `--max-old-space-size=${OLD_SPACE_MIB_MAX}` };
}

function kib(status: string, name: string): number {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  ok(value !== undefined, `no ${name}`);
  return Number(value) * 1024;
}
