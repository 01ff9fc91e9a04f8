import {
  type AcceptedBody,
  type AgentView,
  type EventSpec,
  type EventView,
  type HistoryEntry,
  isRecord,
  type LogPage,
  type ObjectPage,
  type Page,
  TransporterError,
} from "@transporter/sdk";
import { Http, type HttpOptions, type Query } from "./http.ts";
import { stranger } from "./problem.ts";
import { retry } from "./retry.ts";

/** Which events a list shows. */
export interface EventFilter {
  /** Those for one agent. */
  readonly agent?: string | undefined;
  /** Those in one state, or in one of several. */
  readonly state?: string | readonly string[] | undefined;
  /** Those of one type. */
  readonly type?: string | undefined;
  /** Those that have all of these labels, as `key=value`. */
  readonly label?: readonly string[] | undefined;
  /** Those accepted since, RFC 3339. */
  readonly since?: string | undefined;
}

/** Tries of a submission; with the delays of {@linkcode retry}, some seconds. */
const SUBMIT_TRIES_MAX = 4;

/** What a page of a list has at most, as the control plane has it. */
const PAGE_MAX = 500;

/** The HTTP API of one control plane, as far as commands use it. */
export class Client {
  /** The requests underneath. */
  readonly http: Http;
  readonly #options: HttpOptions;

  /** Makes one; nothing is sent yet. */
  constructor(options: HttpOptions) {
    this.#options = options;
    this.http = new Http(options);
  }

  /** Where the control plane is. */
  get url(): string {
    return this.#options.url;
  }

  /** The same client, with another signal or another ear for notes. */
  with(options: Partial<Pick<HttpOptions, "signal" | "note">>): Client {
    return new Client({ ...this.#options, ...options });
  }

  /**
   * Submits an event, and again with the same id while the control plane
   * cannot be reached or asks to wait.
   *
   * @throws {TransporterError} The code of the refusal; `timeout` when nobody knows whether it was accepted.
   */
  async submit(
    event: Partial<EventSpec> & { id: string },
  ): Promise<AcceptedBody> {
    try {
      const answer = await retry(
        () => this.http.json("/v2/events", { method: "POST", body: event }),
        { ...this.#options, triesMax: SUBMIT_TRIES_MAX },
      );
      return this.#checked<AcceptedBody>(answer, "event_id");
    } catch (cause) {
      const error = TransporterError.from(cause);
      if (error.details?.["maybe_done"] !== true) throw error;
      throw new TransporterError(
        "timeout",
        `Cannot say whether event "${event.id}" was accepted: "transporter get event ${event.id}" tells, ` +
          `and sending it again with --id ${event.id} is safe`,
        { cause },
      );
    }
  }

  /** An event, with its payload. */
  async event(id: string): Promise<EventView> {
    const path = `/v2/events/${encodeURIComponent(id)}`;
    return this.#checked<EventView>(await this.http.json(path), "spec");
  }

  /** What happened to an event, oldest first. */
  async history(id: string): Promise<readonly HistoryEntry[]> {
    const path = `/v2/events/${encodeURIComponent(id)}/history`;
    const { items } = await this.#pages<HistoryEntry>(path, {}, Infinity);
    return items.toSorted((a, b) => a.revision - b.revision);
  }

  /**
   * What became of the first 500 objects of an event, or where they are while it runs.
   *
   * @returns Nothing when the control plane does not know the question, as an older one.
   */
  async objects(id: string): Promise<ObjectPage | undefined> {
    const path = `/v2/events/${encodeURIComponent(id)}/objects`;
    const query = { limit: String(PAGE_MAX) };
    try {
      const answer = await this.http.json(path, { query });
      return this.#checked<ObjectPage>(answer, "items");
    } catch (error) {
      const { class: kind } = TransporterError.from(error);
      if (kind === "not_found") return undefined;
      throw error;
    }
  }

  /** The newest events that a filter lets through, without their payloads; at most `limit`. */
  events(filter: EventFilter, limit: number): Promise<Page<EventView>> {
    return this.#pages<EventView>("/v2/events", { ...filter }, limit);
  }

  /**
   * Asks to cancel an event.
   *
   * @throws {TransporterError} `unknown_event`; `too_late` when it has ended.
   */
  async cancel(id: string, reason: string): Promise<EventView> {
    const path = `/v2/events/${encodeURIComponent(id)}/cancel`;
    const body = reason === "" ? {} : { reason };
    const answer = await this.http.json(path, { method: "POST", body });
    return this.#checked<EventView>(answer, "spec");
  }

  /**
   * Runs an event that has ended once more.
   *
   * @throws {TransporterError} `unknown_event`; `conflict` while it is open.
   */
  async retry(id: string): Promise<EventView> {
    const path = `/v2/events/${encodeURIComponent(id)}/retry`;
    const answer = await this.http.json(path, { method: "POST" });
    return this.#checked<EventView>(answer, "spec");
  }

  /** A page of what an event put out, after a cursor. */
  async logs(id: string, cursor?: string): Promise<LogPage> {
    const path = `/v2/events/${encodeURIComponent(id)}/logs`;
    const query = { limit: String(PAGE_MAX), cursor };
    const answer = await this.http.json(path, { query });
    return this.#checked<LogPage>(answer, "items");
  }

  /**
   * Pauses an agent, or lets it go on.
   *
   * @throws {TransporterError} `unknown_agent`.
   */
  async setPaused(id: string, paused: boolean): Promise<AgentView> {
    const verb = paused ? "pause" : "resume";
    const path = `/v2/agents/${encodeURIComponent(id)}/${verb}`;
    const answer = await this.http.json(path, { method: "POST" });
    return this.#checked<AgentView>(answer, "id");
  }

  /**
   * Forgets an agent.
   *
   * @throws {TransporterError} `unknown_agent`.
   */
  async deleteAgent(id: string): Promise<void> {
    const path = `/v2/agents/${encodeURIComponent(id)}`;
    await this.http.done(path, { method: "DELETE" });
  }

  /** An agent. */
  async agent(id: string): Promise<AgentView> {
    const path = `/v2/agents/${encodeURIComponent(id)}`;
    return this.#checked<AgentView>(await this.http.json(path), "id");
  }

  /** The first agents, by id, that have all of the labels, as `key=value`; by default every agent. */
  agents(
    { label, limit = Infinity }: {
      readonly label?: readonly string[] | undefined;
      readonly limit?: number | undefined;
    } = {},
  ): Promise<Page<AgentView>> {
    return this.#pages<AgentView>("/v2/agents", { label }, limit);
  }

  async #pages<T>(path: string, query: Query, limit: number): Promise<Page<T>> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const room = Math.min(limit - items.length, PAGE_MAX);
      const answer = await this.http.json(path, {
        query: { ...query, limit: String(room), cursor },
      });
      const page = this.#checked<Page<T>>(answer, "items");
      if (!Array.isArray(page.items)) this.#stranger();
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== undefined && items.length < limit);
    return cursor === undefined ? { items } : { items, next_cursor: cursor };
  }

  /** Our own server's answers are trusted to have the shape of `sdk/api.ts`; another server's are found out. */
  #checked<T>(answer: unknown, field: keyof T & string): T {
    if (!isRecord(answer) || !Object.hasOwn(answer, field)) this.#stranger();
    return answer as T;
  }

  #stranger(): never {
    throw stranger(
      `Cannot use the answer of "${this.url}": it is not one of a control plane`,
    );
  }
}
