import { join } from "node:path";
import type { Entry } from "../history/entry.ts";
import { ofKind } from "../history/entry.ts";
import { readHistory } from "../history/lines.ts";
import { Program } from "../program.ts";
import { AgentProcess } from "../system.ts";

const SCRIPT = new URL("agent.ts", import.meta.url).pathname;

/** An agent process that runs events of type `witness`, and the file where its executor writes down what it does. */
export class WitnessAgent implements AsyncDisposable {
  readonly #folder: string;
  /** The process. */
  readonly process: AgentProcess;

  /** Starts one that dials some URLs in turn. */
  static async start(
    id: string,
    ...cpUrls: readonly string[]
  ): Promise<WitnessAgent> {
    return await WitnessAgent.startWith(id, { cpUrls });
  }

  /** Starts one that dials URLs, with more in its environment than the test has. */
  static async startWith(
    id: string,
    { cpUrls, env = {} }: {
      readonly cpUrls: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Promise<WitnessAgent> {
    const folder = await Deno.makeTempDir({ prefix: "transporter-witness-" });
    let turn = 0;
    const launch = () =>
      Program.start([
        ...["--agent-id", id],
        ...cpUrls.flatMap((url) => ["--cp-url", url]),
        ...["--data-dir", join(folder, "data")],
        ...["--witness", join(folder, "witness")],
        ...["--process", `${id}-${++turn}`],
      ], { script: SCRIPT, env });
    return new WitnessAgent(
      folder,
      new AgentProcess(join(folder, "data"), launch),
    );
  }

  /** Made by {@linkcode WitnessAgent.start}. */
  constructor(folder: string, process: AgentProcess) {
    this.#folder = folder;
    this.process = process;
  }

  /** Every start so far, as `id attempt`. */
  async starts(): Promise<string[]> {
    const entries = ofKind(await this.#read(), "start");
    return entries.map(({ event, attempt }) => `${event} ${attempt}`);
  }

  async #read(): Promise<readonly Entry[]> {
    return readHistory(await Deno.readTextFile(join(this.#folder, "witness")));
  }

  /** Ends it, and removes all that it wrote. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** An event for it. */
export function witnessEvent(
  id: string,
  payload: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    id,
    type: "witness",
    target_agent: "edge",
    payload: { ms: 0, repeatable: true, ...payload },
  };
}
