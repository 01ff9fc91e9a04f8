import { TransporterError } from "@transporter/sdk";
import { join, resolve } from "node:path";
import { SYSTEM_REGEXP } from "./inside.ts";

/** Where one script is started from; disposed once it has ended. */
export interface Room extends AsyncDisposable {
  /** An empty folder. */
  readonly root: string;
  /** Writes what the script is started with, for nobody but the agent to read. */
  write(contents: {
    readonly filter: Uint8Array;
    readonly script: string;
    readonly env: string;
  }): Promise<readonly [string, string, string]>;
}

/**
 * A folder for what scripts are started with. What an agent left there that was
 * killed is removed by the next one, when it first runs a script.
 */
export class Scratch {
  readonly #dir: string;
  #ready: Promise<void> | undefined;

  /** Made without touching the disk. */
  constructor(dir: string) {
    this.#dir = resolve(dir); // a script runs in another folder
  }

  /** Makes room for one script. */
  async open(): Promise<Room> {
    await (this.#ready ??= this.#clear());
    const dir = await Deno.makeTempDir({ dir: this.#dir });
    const root = join(dir, "root");
    await Deno.mkdir(root);
    return {
      root,
      async write({ filter, script, env }) {
        const path = (name: string) => join(dir, name);
        const files = [path("filter"), path("script"), path("env")] as const;
        const options = { mode: 0o600, createNew: true };
        await Deno.writeFile(files[0], filter, options);
        await Deno.writeTextFile(files[1], script, options);
        await Deno.writeTextFile(files[2], env, options);
        return files;
      },
      [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
    };
  }

  async #clear(): Promise<void> {
    try {
      await Deno.remove(this.#dir, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const real = await Deno.realPath(this.#dir);
    if (!SYSTEM_REGEXP.test(real)) return;
    throw new TransporterError(
      "usage",
      `Cannot run scripts with data in "${real}": they may read all that is in the system's folders, so name another one with --data-dir`,
    );
  }
}
