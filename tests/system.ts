import type { AcceptedBody, EventView, Page } from "@transporter/sdk";
import { Program, type ProgramOptions } from "./program.ts";
import { until } from "./until.ts";

export { until };

/** What carries the frames between an agent and its control plane. */
export type WireName = "ws" | "poll" | "sse";

/** All of them. */
export const WIRE_NAMES: readonly WireName[] = ["ws", "poll", "sse"];

/** Where an agent dials that uses a wire, if the API of its control plane is at a URL. */
export function dialUrl(url: string, wire: WireName): string {
  switch (wire) {
    case "ws":
      return `${url.replace(/^http/, "ws")}/ws`;
    case "poll":
      return url;
    case "sse":
      return url.replace(/^(https?):/, "$1+sse:");
  }
}

/** Options of {@linkcode CpProcess.start}. */
export interface CpOptions {
  /** What is run instead of `main.ts` from source, such as a bundle. */
  readonly script?: string;
  /** More flags, such as `["--drain-timeout", "1m"]`. */
  readonly flags?: readonly string[];
  /** A data folder that is there already; it is removed at the end, too. */
  readonly dataDir?: string;
  /** Where it listens; by default on a free port. */
  readonly listen?: string;
  /** Environment variables besides the test's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A control plane process with a data folder of its own, which can be killed and started again on the same port. */
export class CpProcess implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #options: CpOptions;
  #program: Program;
  /** Where its API is. */
  readonly url: string;

  /** Starts one on a free port, and waits until it serves. */
  static async start(options: CpOptions = {}): Promise<CpProcess> {
    const dataDir = options.dataDir ??
      await Deno.makeTempDir({ prefix: "transporter-cp-" });
    const listen = options.listen ?? "127.0.0.1:0";
    const program = CpProcess.#launch(dataDir, listen, options);
    const url = await CpProcess.#ready(program);
    return new CpProcess(dataDir, program, { ...options, url });
  }

  /** Made by {@linkcode CpProcess.start}. */
  constructor(
    dataDir: string,
    program: Program,
    options: CpOptions & { readonly url: string },
  ) {
    this.#dataDir = dataDir;
    this.#program = program;
    this.#options = options;
    this.url = options.url;
  }

  static #launch(
    dataDir: string,
    listen: string,
    { script, flags = [], env = {} }: CpOptions,
  ): Program {
    // Another store than that of the folder may not be named together with it.
    const folder = flags.includes("--store") ? [] : ["--data-dir", dataDir];
    return Program.start(
      ["cp", "--dev", "--listen", listen, ...folder, ...flags],
      script === undefined ? { env } : { script, env },
    );
  }

  static async #ready(program: Program): Promise<string> {
    const [, url = ""] = await program.line(
      /"message":"Control plane listens".*"url":"([^"]+)"/,
    );
    return url.replace(/\/$/, "");
  }

  /** Where agents dial. */
  get agentUrl(): string {
    return dialUrl(this.url, "ws");
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
      this.#options,
    );
    await CpProcess.#ready(this.#program);
  }

  /** Ends it, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await Deno.remove(this.#dataDir, { recursive: true });
  }
}

/** Options of {@linkcode AgentProcess.start}. */
export interface AgentOptions extends ProgramOptions {
  /** The control plane's address for agents. */
  readonly cpUrl: string;
  /** Flags that name its cluster, such as `["--kubeconfig", file]`. */
  readonly flags: readonly string[];
}

/** An agent process with a journal of its own, which can be killed and started again. */
export class AgentProcess implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #launch: () => Program;
  #program: Program;

  /** Starts one. */
  static async start(id: string, options: AgentOptions): Promise<AgentProcess> {
    const { cpUrl, flags, ...rest } = options;
    const dataDir = await Deno.makeTempDir({ prefix: "transporter-agent-" });
    const args = [
      "agent",
      "--agent-id",
      id,
      "--cp-url",
      cpUrl,
      "--data-dir",
      dataDir,
      ...flags,
    ];
    return new AgentProcess(dataDir, () => Program.start(args, rest));
  }

  /** Made by {@linkcode AgentProcess.start}. */
  constructor(dataDir: string, launch: () => Program) {
    this.#dataDir = dataDir;
    this.#launch = launch;
    this.#program = launch();
  }

  /** Its data folder. */
  get dataDir(): string {
    return this.#dataDir;
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

/** How long a control plane may be away, or say that it has too much to do, in milliseconds. */
const AWAY_MS_MAX = 60_000;

/** Sends an event, and again with the same id while the control plane is away, or asks to come back later as a slow disk may make it. */
export async function submit(
  url: string,
  event: Readonly<Record<string, unknown>>,
): Promise<AcceptedBody> {
  const until = performance.now() + AWAY_MS_MAX;
  while (true) {
    let answer: Response;
    try {
      answer = await fetch(`${url}/v2/events`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(event),
      });
    } catch (error) {
      if (!(error instanceof TypeError) || performance.now() > until) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    const body = await answer.json();
    const seconds = Number(answer.headers.get("retry-after"));
    if (
      body.code === "overloaded" && seconds > 0 && performance.now() < until
    ) {
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      continue;
    }
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

/** Waits until every event of a control plane has ended, and returns them. */
export async function untilEnded(url: string): Promise<EventView[]> {
  let open: readonly EventView[] = [];
  return await until(async () => {
    const events = await listEvents(url);
    open = events.filter(({ finished_at }) => finished_at === undefined);
    return open.length === 0 && events;
  }, {
    what: () =>
      `the end of ${
        open.map(({ spec, state }) => `${spec.id} (${state})`).join(", ")
      }`,
  });
}

/** Waits until the control plane knows an agent as connected. */
export async function untilConnected(
  url: string,
  agent: string,
): Promise<void> {
  await until(async () => {
    const answer = await fetch(`${url}/v2/agents/${agent}`);
    const body = await answer.json();
    return body.connected === true;
  }, { what: () => `agent "${agent}" to be connected` });
}
