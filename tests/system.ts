import type { AcceptedBody, EventView, Page } from "@transporter/sdk";
import { Program } from "./program.ts";

/** A control plane process with a data folder of its own, which can be killed and started again on the same port. */
export class CpProcess implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #script: string | undefined;
  #program: Program;
  /** Where its API is. */
  readonly url: string;

  /** Starts one on a free port, and waits until it serves. */
  static async start(
    options: { readonly script?: string } = {},
  ): Promise<CpProcess> {
    const dataDir = await Deno.makeTempDir({ prefix: "transporter-cp-" });
    const program = CpProcess.#launch(dataDir, "127.0.0.1:0", options.script);
    const url = await CpProcess.#ready(program);
    return new CpProcess(dataDir, program, { url, script: options.script });
  }

  /** Made by {@linkcode CpProcess.start}. */
  constructor(
    dataDir: string,
    program: Program,
    options: { readonly url: string; readonly script: string | undefined },
  ) {
    this.#dataDir = dataDir;
    this.#program = program;
    this.#script = options.script;
    this.url = options.url;
  }

  static #launch(
    dataDir: string,
    listen: string,
    script: string | undefined,
  ): Program {
    return Program.start(
      ["cp", "--dev", "--listen", listen, "--data-dir", dataDir],
      script === undefined ? {} : { script },
    );
  }

  static async #ready(program: Program): Promise<string> {
    const [, url = ""] = await program.line(
      /"message":"Control plane is ready".*"url":"([^"]+)"/,
    );
    return url.replace(/\/$/, "");
  }

  /** Where agents dial. */
  get agentUrl(): string {
    return `${this.url.replace("http", "ws")}/ws`;
  }

  /** The process. */
  get program(): Program {
    return this.#program;
  }

  /** Kills it as a power cut would, and waits for its end. */
  async crash(): Promise<void> {
    this.#program.kill("SIGKILL");
    await this.#program.status();
  }

  /** Starts it again with the same folder and port. */
  async restart(): Promise<void> {
    this.#program = CpProcess.#launch(
      this.#dataDir,
      new URL(this.url).host,
      this.#script,
    );
    await CpProcess.#ready(this.#program);
  }

  /** Ends it, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await Deno.remove(this.#dataDir, { recursive: true });
  }
}

/** Where an agent process gets its cluster from. */
export type AgentFlags = readonly string[];

/** An agent process with a journal of its own, which can be killed and started again. */
export class AgentProcess implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #args: readonly string[];
  readonly #script: string | undefined;
  #program: Program;

  /** Starts one; `flags` name its cluster, such as `["--kubeconfig", file]`. */
  static async start(
    id: string,
    options: {
      readonly cpUrl: string;
      readonly flags: AgentFlags;
      readonly script?: string;
    },
  ): Promise<AgentProcess> {
    const dataDir = await Deno.makeTempDir({ prefix: "transporter-agent-" });
    const args = [
      "agent",
      "--agent-id",
      id,
      "--cp-url",
      options.cpUrl,
      "--data-dir",
      dataDir,
      ...options.flags,
    ];
    return new AgentProcess(dataDir, args, options.script);
  }

  /** Made by {@linkcode AgentProcess.start}. */
  constructor(
    dataDir: string,
    args: readonly string[],
    script: string | undefined,
  ) {
    this.#dataDir = dataDir;
    this.#args = args;
    this.#script = script;
    this.#program = this.#launch();
  }

  #launch(): Program {
    return Program.start(
      this.#args,
      this.#script === undefined ? {} : { script: this.#script },
    );
  }

  /** The process. */
  get program(): Program {
    return this.#program;
  }

  /** Kills it as a power cut would, and waits for its end. */
  async crash(): Promise<void> {
    this.#program.kill("SIGKILL");
    await this.#program.status();
  }

  /** Starts it again with the same journal. */
  restart(): void {
    this.#program = this.#launch();
  }

  /** Ends it, and removes its journal. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await Deno.remove(this.#dataDir, { recursive: true });
  }
}

/** Sends an event, and again with the same id while the control plane is away. */
export async function submit(
  url: string,
  event: Readonly<Record<string, unknown>>,
): Promise<AcceptedBody> {
  while (true) {
    let answer: Response;
    try {
      answer = await fetch(`${url}/v2/events`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(event),
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    const body = await answer.json();
    if (answer.status !== 202) {
      throw new Error(`${answer.status}: ${JSON.stringify(body)}`);
    }
    return body;
  }
}

/** Every event the control plane knows. */
export async function listEvents(url: string): Promise<EventView[]> {
  const all: EventView[] = [];
  let cursor = "";
  do {
    const answer = await fetch(
      `${url}/v2/events?limit=500${cursor && `&cursor=${cursor}`}`,
    );
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    const page: Page<EventView> = await answer.json();
    all.push(...page.items);
    cursor = page.next_cursor === undefined
      ? ""
      : encodeURIComponent(page.next_cursor);
  } while (cursor !== "");
  return all;
}

/** Asks until an answer is there. For conditions in other processes, which nobody can await. */
export async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  while (true) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until the control plane knows an agent as connected. */
export async function untilConnected(
  url: string,
  agent: string,
): Promise<void> {
  await until(async () => {
    const answer = await fetch(`${url}/v2/agents/${agent}`);
    const body = await answer.json();
    return body.connected === true ? true : undefined;
  });
}
