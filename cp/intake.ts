import {
  type Clock,
  eventDigest,
  type EventKind,
  type EventSpec,
  formatTime,
  type Ids,
  isEventId,
  readEvent,
  type State,
  TransporterError,
} from "@transporter/sdk";
import type { Admission, Room } from "./admission.ts";
import { sizeOf } from "./event_size.ts";
import { Kinds } from "./kinds.ts";
import type { KnownAgents } from "./known_agents.ts";
import type { Metrics } from "./metrics_port.ts";
import type { Quota } from "./quota.ts";
import type { Recorder } from "./recorder.ts";
import type {
  AgentRecord,
  EventRecord,
  Store,
  Tombstone,
} from "./store/store.ts";
import { supersede } from "./supersede.ts";
import { checkServed, unknownTarget } from "./target.ts";

/** What is known about a submission besides its body. */
export interface AcceptOptions {
  /**
   * Which API it came through: `v1` is as tolerant as upstream's, `ingest` too,
   * with the fields of `v2`.
   */
  readonly api: "v1" | "v2" | "ingest";
  /** Whose event it is. */
  readonly tenant: string;
  /** Who submits it. */
  readonly principal: string;
  /** The `Idempotency-Key` of a v2 request: the event's id if the body has none. */
  readonly idempotencyKey?: string;
  /** When somebody took it who keeps it for us, in milliseconds since 1970: its ttl counts from then. */
  readonly handedOverAt?: number;
  /** The room of its request; one that came alone finds its own. */
  readonly room?: Room;
  /** Its place among events that are accepted side by side and stored in order. */
  readonly turn?: Turn;
}

/** A place in a row. */
export interface Turn {
  /** Resolves when all before it are on their way into the store. */
  readonly ready: Promise<void>;
  /** Says that it is on its way into the store. Not called when it is refused: whoever made the row sees to that. */
  done(): void;
}

/** The answer to a submission. */
export interface Acceptance {
  /** The event's id. */
  readonly id: string;
  /** The agent it is for. */
  readonly agent: string;
  /** Where the event is now, or how it ended. */
  readonly state: State;
  /** The event as it is now; absent when it ended so long ago that no more than its id is kept. */
  readonly record?: EventRecord;
  /** Whether it was accepted before, with the same body. */
  readonly duplicate: boolean;
  /** Whether an agent of that id was ever seen. */
  readonly agentKnown: boolean;
}

/** Options of {@linkcode Intake}. */
export interface IntakeOptions {
  /** Where events are looked up. */
  readonly store: Store;
  /** Where agents are looked up. */
  readonly agents: Pick<KnownAgents, "get">;
  /** Who stores events. */
  readonly recorder: Recorder;
  /** What limits open events. */
  readonly quota: Quota;
  /** What refuses events while the store does not keep up. */
  readonly admission: Admission;
  /** What is known about event types. */
  readonly kinds: readonly EventKind[];
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where ids come from. */
  readonly ids: Ids;
  /** What counts submissions. */
  readonly metrics: Metrics;
  /** Hears for whom an event is on its way to the store: its release may share the commit. */
  readonly coming?: (tenant: string, agent: string) => void;
}

/** Takes events in: what every ingest calls. Once it answers, the event is durable. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #kinds: Kinds;

  /** Makes an intake; any number may share a store. */
  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#kinds = new Kinds(options.kinds);
  }

  /**
   * Accepts an event, or says why not. May be repeated: the same id with the
   * same body is answered as the first time.
   *
   * @param value The parsed body.
   * @param options Where it came from.
   * @returns The event, durable as the store promises.
   * @throws {TransporterError} What `readEvent` and the kind's `check` throw; `invalid_id` for a key
   * that cannot be an id, `too_large`, `unknown_agent` (v2), `unsupported`, `queue_full`,
   * `overloaded`, `id_conflict`, `disk_full`, `store_unavailable`.
   */
  accept(value: unknown, options: AcceptOptions): Promise<Acceptance> {
    return this.#accept(value, options).catch((reason) => {
      this.#options.metrics.refused(TransporterError.from(reason).code);
      throw reason;
    });
  }

  /**
   * Refuses submissions of a tenant that would be refused as things are;
   * before their bodies are read.
   *
   * @throws {TransporterError} `overloaded`, `queue_full`.
   */
  admit(tenant: string): void {
    this.#admit(tenant, () => this.#options.admission.check(tenant));
  }

  /**
   * The same once a body is read, of which so many events are accepted at a
   * time; its room until it is answered.
   */
  admitRead(tenant: string, events: number): Room {
    const { admission } = this.#options;
    return this.#admit(tenant, () => admission.begin(tenant, events));
  }

  #admit<T>(tenant: string, check: () => T): T {
    const { admission, quota, metrics } = this.#options;
    try {
      // One request at a time is looked at all the same: it may repeat what was accepted.
      if (admission.isBusy(tenant)) quota.check(tenant);
      return check();
    } catch (reason) {
      metrics.refused(TransporterError.from(reason).code);
      throw reason;
    }
  }

  async #accept(value: unknown, options: AcceptOptions): Promise<Acceptance> {
    const { store, agents, recorder, quota, admission, clock } = this.#options;
    const { tenant } = options;
    const acceptedAt = clock.now();
    const { spec, idempotencyKey } = this.#read(value, acceptedAt, options);
    const bytes = sizeOf(spec);
    const digest = eventDigest(spec);
    const agent = await agents.get(tenant, spec.target_agent);
    const agentKnown = agent !== undefined;
    try {
      await this.#check(spec, agent, options);
      await options.turn?.ready;
      using _room = quota.reserve(tenant, { agent: spec.target_agent, bytes });
      using own = options.room === undefined
        ? admission.begin(tenant, 1)
        : undefined;
      using _entered = (options.room ?? own)?.enter(bytes);
      const creating = recorder.create(tenant, {
        spec,
        digest,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        acceptedAt,
      });
      this.#options.coming?.(tenant, spec.target_agent);
      options.turn?.done(); // a store keeps the order in which it is called
      const creation = await creating;
      if (!creation.created) {
        const { record, tombstone } = creation;
        const known = record === undefined
          // Of a removed event the agent is not kept; that of the same body is the same.
          ? removed(tombstone, spec.target_agent)
          : { ...knownOf(record), digest: record.digest };
        return { ...this.#again(known, { spec, digest }), agentKnown };
      }
      const record = spec.supersedes === undefined
        ? creation.record
        : await supersede(creation.record, this.#options);
      return { ...knownOf(record), duplicate: false, agentKnown };
    } catch (reason) {
      // What was accepted once stays accepted, even where it would be refused now.
      const record = await store.getEvent(tenant, spec.id);
      if (record?.digest !== digest) throw reason;
      const known = { ...knownOf(record), digest };
      return { ...this.#again(known, { spec, digest }), agentKnown };
    }
  }

  #read(
    value: unknown,
    now: number,
    { api, principal, idempotencyKey }: AcceptOptions,
  ): { readonly spec: EventSpec; readonly idempotencyKey?: string } {
    if (api === "v1") {
      return { spec: readEvent(value, { api, now, principal }) };
    }
    if (idempotencyKey !== undefined && !isEventId(idempotencyKey)) {
      throw new TransporterError(
        "invalid_id",
        'Cannot accept the event as its Idempotency-Key must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -, not "." or ".."',
        { details: { field: "Idempotency-Key" } },
      );
    }
    const newId = () => idempotencyKey ?? this.#options.ids.next();
    const spec = readEvent(value, { api, now, principal, newId });
    return idempotencyKey === undefined || idempotencyKey === spec.id
      ? { spec }
      : { spec, idempotencyKey };
  }

  async #check(
    spec: EventSpec,
    agent: AgentRecord | undefined,
    { api, tenant, handedOverAt = Infinity }: AcceptOptions,
  ): Promise<void> {
    if (handedOverAt + spec.ttl / 1e6 <= this.#options.clock.now()) {
      throw new TransporterError(
        "expired",
        `Cannot accept event "${spec.id}" as its ttl was over before it came here: it was handed over at ${
          formatTime(handedOverAt)
        }`,
      );
    }
    if (agent === undefined && api === "v2") {
      const agents = await this.#options.store.listAgents(tenant);
      throw unknownTarget(spec, agents.map(({ id }) => id));
    }
    if (agent !== undefined) checkServed(spec, agent);
    const { supersedes } = spec;
    if (supersedes !== undefined) {
      await this.#checkSuperseded({ ...spec, supersedes }, tenant);
    }
    await this.#kinds.get(spec.type)?.check(spec.payload);
  }

  /** An event may take the place of another one of its agent only. */
  async #checkSuperseded(
    { id, supersedes, target_agent: agent }: EventSpec & {
      readonly supersedes: string;
    },
    tenant: string,
  ): Promise<void> {
    const older = await this.#options.store.getEvent(tenant, supersedes);
    if (older === undefined || older.spec.target_agent === agent) return;
    throw new TransporterError(
      "invalid",
      `Cannot accept event "${id}" as "supersedes" must name an event of the same agent: event "${supersedes}" is for agent "${older.spec.target_agent}"`,
      { details: { field: "supersedes" } },
    );
  }

  /** An id, or a key, that is taken: by the same body, or by another one. */
  #again(
    { digest: theirs, ...known }: Known & { readonly digest: string },
    { spec, digest }: { readonly spec: EventSpec; readonly digest: string },
  ): Known & { readonly duplicate: true } {
    const { id } = known;
    if (theirs !== digest) {
      const taken = id === spec.id
        ? `Cannot accept event "${spec.id}" as the id is taken by an event with another body`
        : `Cannot accept event "${spec.id}" as its Idempotency-Key is taken by event "${id}"`;
      const details = { event_id: id };
      throw new TransporterError("id_conflict", taken, { details });
    }
    this.#options.metrics.duplicate(spec.type);
    return { ...known, duplicate: true };
  }
}

/** What an answer says of an event. */
type Known = Pick<Acceptance, "id" | "agent" | "state" | "record">;

function removed(
  { id, state, digest }: Tombstone,
  agent: string,
): Known & { readonly digest: string } {
  return { id, agent, state, digest };
}

function knownOf(record: EventRecord): Known {
  const { spec: { id, target_agent: agent }, state } = record;
  return { id, agent, state, record };
}
