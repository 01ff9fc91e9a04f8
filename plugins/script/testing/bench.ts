import {
  type EventSpec,
  type EventStatus,
  execute,
  type Executor,
  parse,
  silentLogger,
  systemClock,
} from "@transporter/sdk";
import { configSchema, CONFINEMENTS } from "../config.ts";
import { openExecutor } from "../executor.ts";

/** A way of confining scripts that works on this machine. */
export type Way = typeof CONFINEMENTS[number];

/** What a test configures besides. */
export type Settings = Readonly<Record<string, unknown>>;

/** What became of a script. */
export interface Ran {
  /** The last status. */
  readonly last: EventStatus;
  /** What it wrote to standard output. */
  readonly stdout: string;
  /** What it wrote to standard error. */
  readonly stderr: string;
}

/** Options of {@linkcode Bench.run}. */
export interface RunOptions {
  /** Ends it from outside. */
  readonly signal?: AbortSignal;
  /** Sees output as it comes. */
  readonly onOutput?: (text: string) => unknown;
  /** Sees what is reported. */
  readonly onReport?: (message: string) => unknown;
  /** The id of its event; by default a new one. */
  readonly id?: string;
  /** Whether output is kept, for {@linkcode Ran}; by default it is. */
  readonly keep?: boolean;
}

let events = 0;

/** An executor of scripts, in a folder of its own. */
export class Bench implements AsyncDisposable {
  /** The folder. */
  readonly dir: string;
  readonly #executor: Executor;

  /** Opens one. */
  static async open(settings: Settings = {}): Promise<Bench> {
    const dir = await Deno.makeTempDir({ prefix: "transporter-script-" });
    const config = await parse(configSchema, {
      dir: `${dir}/script`,
      interpreters: ["sh=/bin/sh", "bash=/bin/bash"],
      // Of its own, as processes are counted by user.
      user: String(200_000 + Math.floor(Math.random() * 1e8)),
      ...settings,
    });
    const executor = await openExecutor(config, {
      clock: systemClock,
      log: silentLogger,
      signal: new AbortController().signal,
    });
    return new Bench(dir, executor);
  }

  /** Made by {@linkcode Bench.open}. */
  constructor(dir: string, executor: Executor) {
    this.dir = dir;
    this.#executor = executor;
  }

  /** What runs scripts. */
  get executor(): Executor {
    return this.#executor;
  }

  /** Runs a script to its end. */
  async run(
    payload: Readonly<Record<string, unknown>> | string,
    options: RunOptions = {},
  ): Promise<Ran> {
    const { signal = new AbortController().signal, onOutput, keep = true } =
      options;
    const written = { stdout: "", stderr: "" };
    const spec: EventSpec = {
      id: options.id ?? `e${++events}`,
      type: "script",
      target_agent: "bench",
      payload: typeof payload === "string" ? { script: payload } : payload,
      created_at: "2026-11-23T00:00:00Z",
      created_by: "bench",
      ttl: 60e9,
      priority: 0,
      labels: {},
    };
    const last = await execute(this.#executor, spec, {
      agentId: "bench",
      attempt: 1,
      deadline: systemClock.now() + 60_000,
      signal,
      clock: systemClock,
      log: silentLogger,
      record({ message }) {
        options.onReport?.(message);
        return Promise.resolve();
      },
      output(stream, text) {
        if (keep) written[stream] += text;
        onOutput?.(text);
      },
    });
    return { last, ...written };
  }

  /** Removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#executor[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

async function works(way: Way): Promise<boolean> {
  try {
    await using _ = await Bench.open({ confinement: way });
    return true;
  } catch {
    return false;
  }
}

const WORKING = await Promise.all(
  CONFINEMENTS.map(async (way) => [way, await works(way)] as const),
);

/** Whether any of them does. */
export const canConfine: boolean = WORKING.some(([, works]) => works);

/**
 * Registers a test for each way of confining scripts; a way that does not work
 * on this machine (without bubblewrap, or without root) is ignored.
 */
export function testWays(
  name: string,
  test: (way: Way) => Promise<void>,
): void {
  for (const [way, works] of WORKING) {
    Deno.test({
      name: `${name} (${way})`,
      ignore: !works,
      fn: () => test(way),
    });
  }
}
