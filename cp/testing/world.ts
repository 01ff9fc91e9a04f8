import {
  type EventKind,
  isRecord,
  type LinkOffer,
  type LogFields,
  type Logger,
  silentLogger,
  TransporterError,
  ulids,
  type Wire,
} from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { TestClock } from "@transporter/sdk/testing";
import { type Core, type CoreOptions, openCore } from "../core.ts";
import type { Acceptance, AcceptOptions } from "../intake.ts";
import { type Metrics, silentMetrics } from "../metrics_port.ts";
import { openMemoryStore } from "../store/memory.ts";
import type { EventRecord, Store } from "../store/store.ts";
import { type RawFrame, ScriptedAgent } from "./scripted_agent.ts";

/** Two event types: one that may be repeated, one that may not. */
export const KINDS: readonly EventKind[] = [
  {
    type: "k8s_resource",
    check(payload) {
      if (isRecord(payload) && Array.isArray(payload["manifests"])) {
        return Promise.resolve();
      }
      return Promise.reject(
        new TransporterError("invalid_manifest", 'There is no "manifests"'),
      );
    },
    repeatable: () => true,
  },
  { type: "script", check: () => Promise.resolve(), repeatable: () => false },
];

/** What {@linkcode World.open} may be told. */
export interface WorldOptions extends Partial<CoreOptions> {
  /** Goes between the core and the store. */
  readonly wrap?: (store: Store) => Store;
}

/** How an agent connects. */
export interface ConnectOptions {
  /** Fields of the registration that differ. */
  readonly registration?: RawFrame;
  /** Fields of the version 2 offer that differ; `false` for a v1 agent. */
  readonly link?: Partial<LinkOffer> | false;
  /** Goes between the core and the wire. */
  readonly wrap?: (wire: Wire) => Wire;
}

/** A control plane's core on a memory store and a clock that stands still. */
export class World implements AsyncDisposable {
  readonly clock: TestClock;
  readonly store: Store;
  readonly core: Core;
  /** What the metrics were told, oldest first. */
  readonly counted: string[];
  /** What the log was told, oldest first. */
  readonly logged: { message: string; fields: LogFields }[];

  /** Use {@linkcode World.open}. */
  constructor(
    parts: Pick<World, "clock" | "store" | "core" | "counted" | "logged">,
  ) {
    this.clock = parts.clock;
    this.store = parts.store;
    this.core = parts.core;
    this.counted = parts.counted;
    this.logged = parts.logged;
  }

  /** Opens a core; on `options.store`, if there is one, as after a restart. */
  static async open(options: WorldOptions = {}): Promise<World> {
    const clock = options.clock instanceof TestClock
      ? options.clock
      : new TestClock();
    const plain = options.store ?? openMemoryStore({ clock });
    const store = options.wrap?.(plain) ?? plain;
    const rng = { next: () => 0.5 };
    const counted: string[] = [];
    const logged: World["logged"] = [];
    const core = await openCore({
      kinds: KINDS,
      rng,
      ids: ulids(() => clock.now(), rng),
      log: recordingLogger(logged),
      metrics: recordingMetrics(counted),
      ...options,
      clock,
      store,
    });
    return new World({ clock, store: plain, core, counted, logged });
  }

  /** Submits an event for agent `edge-1`, as a v1 producer does. */
  async submit(
    id: string,
    fields: RawFrame = {},
    options: Partial<AcceptOptions> = {},
  ): Promise<Acceptance & { readonly record: EventRecord }> {
    const acceptance = await this.core.intake.accept(event(id, fields), {
      api: "v1",
      tenant: "default",
      principal: "tester",
      ...options,
    });
    const { record } = acceptance;
    if (record === undefined) throw new TypeError(`Event "${id}" is not kept`);
    return { ...acceptance, record };
  }

  /** Opens a wire to the core; the agent says nothing yet. */
  dial(wrap: (wire: Wire) => Wire = (wire) => wire): {
    readonly agent: ScriptedAgent;
    readonly served: Promise<void>;
  } {
    const [near, far] = memoryWires();
    const served = this.core.sessions.serve(wrap(near), {
      tenant: "default",
      remote: "memory",
      carrier: "websocket",
    });
    return { agent: new ScriptedAgent(far), served };
  }

  /** Connects agent `edge-1`, version 2 unless told otherwise, and waits for the answers. */
  async connect(options: ConnectOptions = {}): Promise<ScriptedAgent> {
    const { agent } = this.dial(options.wrap);
    await agent.send(registration(options));
    await agent.next();
    if (options.link !== false) await agent.next();
    return agent;
  }

  /** The record of an event that must be there. */
  async record(id: string): Promise<EventRecord> {
    const record = await this.store.getEvent("default", id);
    if (record === undefined) throw new TypeError(`No event "${id}"`);
    return record;
  }

  /** The states of an event's history, with the phase where there is one. */
  async history(id: string): Promise<string[]> {
    const entries = await this.store.listHistory("default", id);
    return entries.map(({ state, phase }) =>
      phase === undefined ? state : `${state}/${phase}`
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.core[Symbol.asyncDispose]();
  }
}

/** A body as a producer sends it. */
export function event(id: string, fields: RawFrame = {}): RawFrame {
  return {
    id,
    type: "k8s_resource",
    target_agent: "edge-1",
    payload: { manifests: ["kind: Namespace"] },
    created_by: "tester",
    ttl: 3600e9,
    ...fields,
  };
}

/** A registration as an agent sends it. */
export function registration(
  { registration: fields = {}, link = {} }: ConnectOptions = {},
): RawFrame {
  const offer = {
    versions: [2, 1],
    features: ["ack", "parts", "cancel"],
    instance: "journal-1",
    window: 8,
    max_frame: 524_288,
    clock: "2026-11-23T05:04:27Z",
    executors: [
      { type: "k8s_resource", version: "1.0.0" },
      { type: "script", version: "1.0.0" },
    ],
  };
  return {
    id: "edge-1",
    name: "edge-1",
    cluster_name: "c",
    version: "0.1.0",
    capabilities: ["k8s_crud", "script_exec"],
    ...(link === false ? {} : { link: { ...offer, ...link } }),
    ...fields,
  };
}

function recordingLogger(lines: World["logged"]): Logger {
  const logger: Logger = {
    ...silentLogger,
    info: (message, fields = {}) => void lines.push({ message, fields }),
    warn: (message, fields = {}) => void lines.push({ message, fields }),
    error: (message, fields = {}) => void lines.push({ message, fields }),
    with: () => logger,
  };
  return logger;
}

function recordingMetrics(counted: string[]): Metrics {
  const names = Object.keys(silentMetrics) as (keyof Metrics)[];
  return Object.fromEntries(
    names.map((name) => [
      name,
      (...values: unknown[]) => void counted.push([name, ...values].join(" ")),
    ]),
  ) as unknown as Metrics;
}
