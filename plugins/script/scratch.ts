import { join } from "node:path";

/** Where one script is started from; disposed once it has ended. */
export interface Room extends AsyncDisposable {
  /** An empty folder. */
  readonly root: string;
  /** Writes what the script is started with, for nobody but the agent to read. */
  write(
    texts: { readonly script: string; readonly env: string },
  ): Promise<readonly [string, string]>;
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
    this.#dir = dir;
  }

  /** Makes room for one script. */
  async open(): Promise<Room> {
    await (this.#ready ??= this.#clear());
    const dir = await Deno.makeTempDir({ dir: this.#dir });
    const root = join(dir, "root");
    await Deno.mkdir(root);
    return {
      root,
      async write({ script, env }) {
        const files = [join(dir, "script"), join(dir, "env")] as const;
        const options = { mode: 0o600, createNew: true };
        await Deno.writeTextFile(files[0], script, options);
        await Deno.writeTextFile(files[1], env, options);
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
  }
}
