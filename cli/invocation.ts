import type { Host } from "./host.ts";
import { Client } from "./client.ts";
import { type Paint, paintFor } from "./paint.ts";
import { encode } from "./encode.ts";
import { report } from "./report.ts";
import { findTarget, type Target } from "./settings.ts";

/** How results are written. */
export type Format = "table" | "wide" | "json" | "yaml" | "name" | "sarif";

/** The formats that every command knows, as `-o` takes them. */
export const FORMATS: readonly Format[] = [
  "table",
  "wide",
  "json",
  "yaml",
  "name",
];

/** The options that many commands share, as far as they were given. */
export interface Globals {
  /** `--cp-url`. */
  readonly cpUrl?: string;
  /** `--context`. */
  readonly context?: string;
  /** `-o`. */
  readonly output?: Format;
  /** False with `--no-color`. */
  readonly color?: boolean;
  /** `-q`. */
  readonly quiet?: boolean;
  /** `-v`. */
  readonly verbose?: boolean;
}

/** One run of one command: the host, the shared options, and what follows from both. */
export class Invocation {
  /** Everything outside. */
  readonly host: Host;
  /** How results are written. */
  readonly format: Format;
  /** Whether notes and progress are left out. */
  readonly quiet: boolean;
  /** Gives results their colour. */
  readonly paint: Paint;
  /** Gives notes and errors their colour. */
  readonly paintError: Paint;
  readonly #globals: Globals;

  /** Makes one; nothing is read or sent yet. */
  constructor(host: Host, globals: Globals) {
    this.host = host;
    this.#globals = globals;
    this.format = globals.output ?? "table";
    this.quiet = globals.quiet ?? false;
    const color = { env: host.env, color: globals.color ?? true };
    this.paint = paintFor(host.stdout, color);
    this.paintError = paintFor(host.stderr, color);
  }

  /** How tables are laid out on standard output. */
  get tableOptions(): {
    readonly columns: number | undefined;
    readonly paint: Paint;
  } {
    const { isTerminal, columns } = this.host.stdout;
    return { columns: isTerminal ? columns : undefined, paint: this.paint };
  }

  /** Whether results are tables for people. */
  get isTable(): boolean {
    return this.format === "table" || this.format === "wide";
  }

  /** Whether results are whole values for programs. */
  get isValue(): boolean {
    return this.format === "json" || this.format === "yaml";
  }

  /** Writes a result. */
  print(text: string): void {
    this.host.stdout.write(text);
  }

  /** Writes a value as JSON or YAML. */
  printValue(value: unknown): void {
    this.print(encode(value, this.format === "yaml" ? "yaml" : "json"));
  }

  /** Shows an error that does not end the command; returns its exit code. */
  fail(error: unknown): number {
    return report(error, {
      stderr: this.host.stderr,
      paint: this.paintError,
      verbose: this.#globals.verbose ?? false,
    });
  }

  /** Writes a line for people that is no result; nothing when they want quiet. */
  note(line: string): void {
    if (!this.quiet) this.host.stderr.write(`${line}\n`);
  }

  /**
   * Where the control plane is, or the broker that leads to it.
   *
   * @throws {TransporterError} `usage`.
   */
  target(kind: "http" | "nats" = "http"): Promise<Target> {
    return findTarget(this.#globals, this.host, kind);
  }

  /**
   * A client of the control plane.
   *
   * @throws {TransporterError} `usage`.
   */
  async client(): Promise<Client> {
    const { url } = await this.target();
    const { fetch, clock, rng, signal } = this.host;
    return new Client({
      url,
      fetch,
      clock,
      rng,
      signal,
      note: (line) => this.note(line),
    });
  }
}
