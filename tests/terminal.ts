import { widthOf } from "../cli/text.ts";
import { limited } from "./until.ts";

/** The size of a terminal, in characters. */
export interface Size {
  /** Characters of a line. */
  readonly columns: number;
  /** Lines. */
  readonly rows: number;
}

// deno-lint-ignore no-control-regex -- escapes are what is looked for
const ESCAPE_REGEXP = /^\u001b\[([0-9;]*)([A-Za-z])/;

/**
 * What a person sees on a terminal: knows as much of it as a program needs
 * that moves up, clears and paints, and throws at everything else.
 */
export class Screen {
  #size: Size;
  #lines: string[][] = [[]];
  #row = 0;
  #column = 0;
  #top = 0;
  /** Lines that were longer than the terminal is wide. */
  wrapped = 0;
  /** Whether anything was painted. */
  isPainted = false;

  /** An empty one. */
  constructor(size: Size) {
    this.#size = size;
  }

  /** The lines that are in sight, and those that went out of it. */
  get lines(): string[] {
    return this.#lines.map((line) => line.join("").trimEnd());
  }

  /** The lines that are in sight. */
  get inSight(): string[] {
    return this.lines.slice(this.#top);
  }

  /** It has another size now; what stands there stays as it is. */
  resize(size: Size): void {
    this.#size = size;
    this.#scroll();
  }

  #scroll(): void {
    this.#top = Math.max(this.#top, this.#lines.length - this.#size.rows);
  }

  /** Shows what a program writes. */
  write(text: string): void {
    for (let rest = text; rest !== "";) {
      const escape = ESCAPE_REGEXP.exec(rest);
      if (escape !== null) {
        this.#escape(escape[2] ?? "", escape[1] ?? "");
        rest = rest.slice(escape[0].length);
        continue;
      }
      const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
      this.#put(character);
      rest = rest.slice(character.length);
    }
  }

  #put(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#down();
    else if (character < " ") {
      throw new RangeError(`Cannot show ${JSON.stringify(character)}`);
    } else {
      const width = widthOf(character);
      if (this.#column + width > this.#size.columns) {
        this.wrapped++;
        this.#down();
        this.#column = 0;
      }
      const line = this.#lines[this.#row] ?? [];
      while (line.length < this.#column) line.push(" ");
      line[this.#column] = character;
      // The other half of a wide character.
      for (let i = 1; i < width; i++) line[this.#column + i] = "";
      this.#column += width;
    }
  }

  #down(): void {
    this.#row++;
    while (this.#lines.length <= this.#row) this.#lines.push([]);
    this.#scroll();
  }

  #escape(name: string, argument: string): void {
    if (name === "m") this.isPainted = true;
    else if (name === "A") {
      this.#row = Math.max(this.#top, this.#row - Number(argument || 1));
    } else if (name === "K" && argument === "2") this.#lines[this.#row] = [];
    else if (name === "J" && argument === "") {
      this.#lines[this.#row]?.splice(this.#column);
      this.#lines.splice(this.#row + 1);
    } else throw new RangeError(`Cannot do ESC [ ${argument} ${name}`);
  }
}

/** The `transporter` program on a pseudo-terminal of its own, made by script(1). */
export class Terminal implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;
  #wake = Promise.withResolvers<void>();
  #path = "";
  #over = false;
  /** What it wrote that the screen does not know. */
  #failure: unknown;
  /** What it shows. */
  readonly screen: Screen;
  /** All that was written to it. */
  written = "";

  /** Starts the program; `env` besides the test's own environment. */
  constructor(
    args: readonly string[],
    size: Size,
    env: Readonly<Record<string, string>> = {},
  ) {
    const main = new URL("../main.ts", import.meta.url).pathname;
    const words = [
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      "--quiet",
      main,
      ...args,
    ];
    const command = words.map((word) => `'${word}'`).join(" ");
    const { columns, rows } = size;
    this.screen = new Screen(size);
    this.#child = new Deno.Command("script", {
      args: [
        "--quiet",
        "--return",
        "--flush",
        "--command",
        `stty columns ${columns} rows ${rows}; tty; exec ${command}`,
        "/dev/null",
      ],
      env: { TERM: "xterm-256color", NO_COLOR: "", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.#read = this.#listen().catch((reason) => {
      this.#failure = reason;
    }).finally(() => {
      this.#over = true;
      this.#tell();
    });
  }

  async #listen(): Promise<void> {
    let first = "";
    const stream = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of stream) {
      first += text;
      const end = first.indexOf("\n");
      if (end === -1) continue;
      this.#path ||= first.slice(0, end).trim();
      const rest = this.written === "" ? first.slice(end + 1) : text;
      this.written += rest;
      this.screen.write(rest);
      this.#tell();
    }
  }

  #tell(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /** Resolves once what is shown is as wanted; throws with it when that does not come, or the program ends first. */
  until(isWanted: (lines: string[]) => boolean): Promise<string[]> {
    return limited(
      this.#find(isWanted),
      () => `${isWanted}; it shows\n${this.screen.inSight.join("\n")}`,
    );
  }

  async #find(isWanted: (lines: string[]) => boolean): Promise<string[]> {
    for (;;) {
      const lines = this.screen.inSight;
      if (isWanted(lines)) return lines;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#over) throw new Error(`It ended:\n${this.written}`);
      await this.#wake.promise;
    }
  }

  /** Types something, such as `"\u0003"` for Ctrl-C. */
  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Gives the terminal another size. */
  async resize(size: Size): Promise<void> {
    const { columns, rows } = size;
    this.screen.resize(size);
    const args = ["-F", this.#path, "columns", `${columns}`, "rows", `${rows}`];
    const { success } = await new Deno.Command("stty", { args }).output();
    if (!success) throw new Error(`Cannot resize "${this.#path}"`);
  }

  /** Resolves when the program has ended, with its exit code. */
  async end(): Promise<number> {
    await this.#read;
    if (this.#failure !== undefined) throw this.#failure;
    return (await this.#child.status).code;
  }

  /** Ends what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.#child.kill("SIGTERM");
    await this.#keys.close().catch(() => {}); // it is gone already
    await this.#read;
    await this.#child.status;
  }
}
