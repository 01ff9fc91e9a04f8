import { TransporterError } from "@transporter/sdk";
import { Anew } from "./anew.ts";
import type { Board } from "./board.ts";
import type { CallOptions } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import type { Collection } from "./collection.ts";
import { inParallel } from "./in_parallel.ts";
import { describeObject } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";
import { goneUnseen } from "./job_end.ts";
import type { ObjectStates } from "./object_states.ts";
import { Reader } from "./reader.ts";
import { ending, type Fields, readiness } from "./ready.ts";
import { isCustom } from "./ready_custom.ts";
import { fails, recordOf, recordsOf, unchecked } from "./ready_parts.ts";
import { type Conditions, kindKey } from "./ready_when.ts";
import type { StorageClasses } from "./storage_class.ts";
import { versionOf } from "./watch_event.ts";

/** Objects in a page of a list: a few megabytes at most. */
const PAGE = 50;

/** Codes of answers that leave another way of asking. */
const REFUSALS = new Set(["denied", "unsupported", "invalid"]);

/** Whether something may not, or cannot, be asked in this way, and perhaps in another. */
export function isRefusal(error: unknown): boolean {
  return error instanceof TransporterError && REFUSALS.has(error.code);
}

/** What {@linkcode Looker} needs. */
export interface LookerOptions {
  /** Where the objects are. */
  readonly cluster: Cluster;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** When to stop trying again, in milliseconds since 1970. */
  readonly until: number;
  /** Where to note what is seen. */
  readonly board: Board;
  /** What was done with them before. */
  readonly states: ObjectStates;
  /** What claims for volumes wait for. */
  readonly classes: StorageClasses;
  /** What takes the place of the kinds' own rules. */
  readonly conditions: Conditions;
}

/** Looks at the objects of a collection, and notes what it sees. */
export class Looker {
  readonly #collection: Collection;
  readonly #options: LookerOptions;
  /** Whether the last answer said that a version is too old to go on from it. */
  #expired = false;

  /** Makes one that has asked for nothing yet. */
  constructor(collection: Collection, options: LookerOptions) {
    this.#collection = collection;
    this.#options = options;
  }

  /** The objects that are not ready. */
  get left(): PlannedObject[] {
    const { board } = this.#options;
    return [...this.#collection.objects.values()]
      .filter((object) => board.has(object));
  }

  /** Whether the last answer said that a version is too old to go on from it. */
  get expired(): boolean {
    return this.#expired;
  }

  /** The path of the collection with its selector, and more parameters. */
  pathOf(query: Readonly<Record<string, string>>): string {
    const { path, selector } = this.#collection;
    return `${path}?${new URLSearchParams({ ...selector, ...query })}`;
  }

  /** The bounds of a call. */
  limits(doing: string): CallOptions {
    const { signal, until } = this.#options;
    const declared = this.left.some(({ kindDeclared }) => kindDeclared);
    this.#expired = false;
    return {
      doing,
      signal,
      until,
      review: (verdict) => {
        this.#expired = verdict.expired === true;
        // A server that does not know a new kind yet will in a moment.
        return verdict.missing === "kind"
          ? { ...verdict, transient: declared }
          : verdict;
      },
    };
  }

  /**
   * Looks at all of them in one list.
   *
   * @returns The version of the list; nothing when it may not be asked for.
   * @throws {TransporterError} `cluster_unavailable` or `unauthenticated`.
   */
  async list(): Promise<string | undefined> {
    const { cluster } = this.#options;
    let missing = new Set(this.left);
    const anew = new Anew(cluster, this.#options);
    for (let token = "";;) {
      const query = { limit: String(PAGE), ...(token && { continue: token }) };
      let page: Fields;
      try {
        page = (await cluster.client.call(
          { method: "GET", path: this.pathOf(query) },
          this.limits(`list "${this.#collection.path}"`),
        )).body;
      } catch (error) {
        // The server does not have the version of the pages so far any more.
        if (this.expired && token !== "" && await anew.pause()) {
          missing = new Set(this.left); // what the first pages had may be gone by now
          token = "";
          continue;
        }
        if (isRefusal(error)) return undefined;
        throw error;
      }
      for (const item of recordsOf(page.items)) {
        const object = await this.note(item);
        if (object !== undefined) missing.delete(object);
      }
      token = String(recordOf(page.metadata).continue ?? "");
      if (token !== "") continue;
      for (const object of missing) await this.#noteGone(object);
      return versionOf(page);
    }
  }

  /**
   * Looks at each of them.
   *
   * @throws {TransporterError} `cluster_unavailable`, `unauthenticated` or `denied`.
   */
  async each(): Promise<void> {
    await inParallel(this.left, (object) => this.#get(object), {
      bytesOf: ({ body }) => body.length,
    });
  }

  /** Notes what is seen of an object. Returns which one it is, if it is one of them. */
  async note(item: Fields): Promise<PlannedObject | undefined> {
    const { board, classes, conditions } = this.#options;
    const object = this.#find(item);
    if (object === undefined) return undefined;
    const { apiVersion, kind } = object; // which the items of a list need not say
    const state = readiness(
      { ...item, apiVersion, kind },
      conditions.get(kindKey(object)),
    );
    board.set(object, await classes.refine(state));
    return object;
  }

  /** Notes that an object is gone, if it is one of them. */
  noteGone(item: Fields): void {
    const { board, conditions } = this.#options;
    const object = this.#find(item);
    if (object === undefined) return;
    const { apiVersion, kind } = object;
    const last = { ...item, apiVersion, kind };
    const end = ending(last, conditions.get(kindKey(object)));
    board.set(object, end ?? fails("it is gone"));
  }

  async #noteGone(object: PlannedObject): Promise<void> {
    const { board, cluster, signal, states } = this.#options;
    if (!board.has(object)) return;
    const warn = (warning: string) => board.warn(warning);
    const reader = new Reader({ cluster, signal, warn });
    const uid = states.uidOf(object);
    board.set(object, await goneUnseen(object, uid, reader));
  }

  #find(item: Fields): PlannedObject | undefined {
    return this.#collection.objects.get(String(recordOf(item.metadata).name));
  }

  async #get(object: PlannedObject): Promise<void> {
    const { cluster, board, conditions } = this.#options;
    try {
      const found = await cluster.client.find(
        { method: "GET", path: object.path },
        this.limits(`read ${describeObject(object)} back`),
      );
      if (found === undefined) await this.#noteGone(object);
      else await this.note(found.body);
    } catch (error) {
      // Who may apply a kind need not be allowed to read it; that it becomes ready at all is a guess.
      const guessed = isCustom(object) && !conditions.has(kindKey(object)) &&
        error instanceof TransporterError &&
        error.code === "denied";
      if (!guessed) throw error;
      board.set(object, unchecked("it may not be read"));
    }
  }
}
