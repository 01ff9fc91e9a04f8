import {
  type Clock,
  type Executor,
  formatTime,
  type Logger,
  Queue,
  type Wire,
} from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { settle, TestClock } from "@transporter/sdk/testing";
import { Agent } from "../agent.ts";
import type { AgentOptions } from "../options.ts";
import { MemoryJournal } from "./memory_journal.ts";
import { witness } from "./witness.ts";

/** A frame as it is on the wire. */
export type RawFrame = Readonly<Record<string, unknown>>;

/** The control plane's end of a wire, frame by frame. */
export class FarEnd {
  readonly wire: Wire;
  readonly #frames: AsyncIterator<string>;
  readonly #clock: Clock;

  constructor(wire: Wire, clock: Clock) {
    this.wire = wire;
    this.#clock = clock;
    this.#frames = wire.frames[Symbol.asyncIterator]();
  }

  /** The text of the next frame; `undefined` when the wire has ended. */
  async text(): Promise<string | undefined> {
    const { value, done } = await this.#frames.next();
    return done === true ? undefined : value;
  }

  /** The next frame. */
  async next(): Promise<RawFrame> {
    return JSON.parse(await this.text() ?? '"the wire has ended"');
  }

  /** The next frames. */
  async take(count: number): Promise<RawFrame[]> {
    const frames: RawFrame[] = [];
    for (let i = 0; i < count; i++) frames.push(await this.next());
    return frames;
  }

  /** Sends a frame, and lets the agent deal with it. */
  async send(frame: RawFrame): Promise<void> {
    await this.wire.send(JSON.stringify(frame));
    await settle();
  }

  /** Takes the registration and answers it as a v1 control plane does. */
  async registerV1(): Promise<RawFrame> {
    const registration = await this.next();
    await this.send({
      status: "registered",
      message: "Agent edge registered successfully",
    });
    return registration;
  }

  /** Takes the registration and answers it as a v2 control plane does. */
  async registerV2(welcome: RawFrame = {}): Promise<RawFrame> {
    const registration = await this.next();
    await this.send({
      status: "registered",
      message: "Agent edge registered successfully",
      link: "2",
      session: "s_1",
    });
    await this.send({
      type: "welcome",
      v: 2,
      session: "s_1",
      gen: 1,
      epoch: "e_1",
      resume: "fresh",
      from_seq: 1,
      status_upto: 0,
      features: ["ack", "parts", "resume", "cancel", "drain"],
      heartbeat_ms: 10_000,
      idle_ms: 45_000,
      max_frame: 524_288,
      server_time: formatTime(this.#clock.now()),
      ...welcome,
    });
    return registration;
  }
}

/** Options of {@linkcode AgentBench.open}. */
export interface AgentBenchOptions
  extends Partial<Omit<AgentOptions, "executors">> {
  /** What is left of an earlier process. */
  readonly file?: MemoryJournal;
  /** What the first dials fail with. */
  readonly refusals?: readonly Error[];
  /** What runs events; by default a witness that does nothing else. */
  readonly executor?: Executor;
  /** What runs events of other types beside that. */
  readonly others?: readonly Executor[];
}

/** An agent whose time stands still and whose control plane is the test. */
export class AgentBench implements AsyncDisposable {
  readonly clock: TestClock;
  readonly file: MemoryJournal;
  readonly started: string[] = [];
  readonly dialled: string[] = [];
  /** What the next dials fail with. */
  readonly refusals: Error[] = [];
  /** Resolves when the agent has ended. */
  running!: Promise<void>;
  readonly #stop = new AbortController();
  readonly #accepted = new Queue<Wire>(1000);
  readonly #accepts: AsyncIterator<Wire>;

  private constructor(clock: TestClock, file: MemoryJournal) {
    this.clock = clock;
    this.file = file;
    this.#accepts = this.#accepted[Symbol.asyncIterator]();
  }

  static async open(options: AgentBenchOptions = {}): Promise<AgentBench> {
    const {
      file = new MemoryJournal(),
      clock = new TestClock(),
      executor,
      refusals = [],
      others = [],
      ...rest
    } = options;
    const bench = new AgentBench(clock as TestClock, file);
    bench.refusals.push(...refusals);
    const agent = await Agent.open({
      agentId: "edge",
      cpUrl: ["ws://cp-1/ws"],
      rng: { next: () => 0.5 },
      clock,
      version: "0.1.0",
      journalFile: file,
      dials: { ws: (url) => bench.#dial(url) },
      ...rest,
      executors: [
        executor ?? witness((start) => bench.started.push(start)),
        ...others,
      ],
    });
    bench.running = agent.run(bench.#stop.signal).finally(() =>
      agent[Symbol.asyncDispose]()
    );
    bench.running.catch(() => {}); // a test that expects it awaits it
    return bench;
  }

  #dial(url: URL): Promise<Wire> {
    this.dialled.push(url.host);
    const refusal = this.refusals.shift();
    if (refusal !== undefined) return Promise.reject(refusal);
    const [near, far] = memoryWires();
    this.#accepted.push(far);
    return Promise.resolve(near);
  }

  /** The control plane's end of the next wire that the agent opens; lets the time pass that it waits before. */
  async accept(): Promise<FarEnd> {
    await settle();
    while (this.#accepted.length === 0) await this.clock.advance(100);
    const { value } = await this.#accepts.next();
    return new FarEnd(value, this.clock);
  }

  /** Asks the agent to drain, as SIGTERM does. */
  stop(): void {
    this.#stop.abort();
  }

  /** Drains, and lets all the time pass that it takes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.clock.advance(120_000);
    await this.running.catch(() => {});
  }
}

/** Writes the lines of a log into a list. */
export function listLogger(lines: string[]): Logger {
  const write = (message: string, fields?: RawFrame) => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const log: Logger = {
    debug: write,
    info: write,
    warn: write,
    error: write,
    with: () => log,
  };
  return log;
}
