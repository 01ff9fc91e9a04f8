import { TransporterError } from "@transporter/sdk";
import {
  type ApplySetName,
  isSameScope,
  type Scope,
  scopeOf,
  unionOf,
} from "./apply_set.ts";
import {
  bodyOf,
  describeParent,
  parentObject,
  type ParentState,
  readParent,
} from "./apply_set_record.ts";
import { takeTurn, type Turn } from "./apply_set_turns.ts";
import { type ApplyContext, limitsOf, METADATA_ONLY } from "./apply_calls.ts";
import type { PlannedObject } from "./plan.ts";

const NOTHING: Scope = { kinds: new Set(), namespaces: new Set() };

/** A parent that does not exist yet. */
const ABSENT: ParentState = { version: "", scope: NOTHING, turns: [] };

/**
 * The Secret that keeps account of an ApplySet, as an event goes about it: it
 * is widened before the first object is applied, and narrowed after the last
 * one was pruned, so that it always covers every member. Each write holds only
 * for the version that was read.
 */
export class ApplySetParent {
  readonly #set: ApplySetName;
  readonly #apply: ApplyContext;
  readonly #object: PlannedObject;
  #state: ParentState = ABSENT;
  #wanted: Scope = NOTHING;

  /** One that was not looked at yet. */
  constructor(set: ApplySetName, apply: ApplyContext) {
    this.#set = set;
    this.#apply = apply;
    this.#object = parentObject(set);
  }

  /** Where members may be. */
  get scope(): Scope {
    return this.#state.scope;
  }

  /**
   * Takes the event's turn, and widens the parent to what is going to be
   * applied. A dry run only reads it.
   *
   * @throws {TransporterError} `conflict`: another tool's, or a later event had its turn; else the code of the
   * server's answer.
   */
  async widen(objects: readonly PlannedObject[]): Promise<void> {
    this.#wanted = scopeOf(objects, this.#set);
    const { dryRun } = this.#apply.options;
    for (;;) {
      const state = await this.#read();
      const scope = unionOf(state.scope, this.#wanted);
      if (dryRun) {
        this.#state = { ...state, scope };
        return;
      }
      const turns = this.#takeTurn(state);
      if (await this.#write(state, { scope, turns })) return;
    }
  }

  /**
   * Makes sure that no later event has begun. If one has, what this one has
   * applied stays in the account, for the later ones to find.
   *
   * @throws {TransporterError} As {@linkcode ApplySetParent.widen}.
   */
  async confirm(): Promise<void> {
    if (this.#apply.options.dryRun) return;
    for (;;) {
      const state = await this.#read();
      const { turns } = state;
      const last = turns.at(-1);
      if (last?.id === this.#apply.context.idempotencyKey) {
        this.#state = { ...state, scope: unionOf(this.scope, state.scope) };
        return;
      }
      if (last === undefined) throw this.#tooLate(undefined); // somebody took the account away
      const scope = unionOf(state.scope, this.#wanted);
      if (await this.#write(state, { scope, turns })) throw this.#tooLate(last);
    }
  }

  /**
   * Makes the parent cover this and no more.
   *
   * @throws {TransporterError} As {@linkcode ApplySetParent.widen}.
   */
  async narrow(scope: Scope): Promise<void> {
    if (this.#apply.options.dryRun) return;
    do await this.confirm(); while (
      !await this.#write(this.#state, { scope, turns: this.#state.turns })
    );
  }

  #takeTurn({ turns }: ParentState): readonly Turn[] {
    const { idempotencyKey: id, createdAt, attempt } = this.#apply.context;
    const taken = takeTurn(turns, { id, createdAt, attempt });
    if ("turns" in taken) return taken.turns;
    throw this.#tooLate(taken.later);
  }

  #tooLate(later: Turn | undefined): TransporterError {
    const why = later === undefined
      ? "its Secret is not what it was a moment ago"
      : `the later event "${later.id}" has begun, which this one must not undo`;
    return new TransporterError(
      "conflict",
      `Cannot apply to ${describeParent(this.#set)}: ${why}`,
    );
  }

  async #read(): Promise<ParentState> {
    const { cluster } = this.#apply;
    const found = await cluster.client.find({
      method: "GET",
      path: this.#object.path,
      accept: METADATA_ONLY,
    }, this.#limits());
    return found === undefined ? ABSENT : readParent(found.body, this.#set);
  }

  /** Writes it; false when somebody else was faster. */
  async #write(
    before: ParentState,
    change: Pick<ParentState, "scope" | "turns">,
  ): Promise<boolean> {
    const wanted = { ...before, ...change };
    const { cluster, until } = this.#apply;
    const { path } = this.#object;
    const isNew = before.version === "";
    const isSame = before.turns === change.turns &&
      isSameScope(before.scope, change.scope);
    if (isSame && !isNew) {
      this.#state = before;
      return true;
    }
    const limits = this.#limits();
    let raced = false;
    const answer = await cluster.client.call({
      method: isNew ? "POST" : "PATCH",
      path: `${
        isNew ? path.slice(0, path.lastIndexOf("/")) : path
      }?fieldManager=transporter-apply-set`,
      contentType: isNew ? "application/json" : "application/merge-patch+json",
      accept: METADATA_ONLY,
      body: JSON.stringify(bodyOf(this.#set, wanted)),
    }, {
      ...limits,
      review(verdict, since) {
        const other = verdict.conflicts !== undefined || // 409
          verdict.missing === "object";
        raced = other && cluster.clock.now() < until;
        const reviewed = limits.review?.(verdict, since) ?? verdict;
        return raced ? { ...reviewed, transient: false } : reviewed;
      },
    }).catch((error) => {
      if (raced) return undefined;
      throw error;
    });
    if (answer === undefined) return false;
    this.#state = readParent(answer.body, this.#set);
    return true;
  }

  #limits() {
    return {
      ...limitsOf(this.#object, this.#apply),
      doing: `keep account of ${describeParent(this.#set)}`,
    };
  }
}
