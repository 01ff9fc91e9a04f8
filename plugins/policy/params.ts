import { TransporterError } from "@transporter/sdk";
import type { ParamRef } from "./document.ts";
import type { Decision } from "./judge.ts";
import type { Binding, Policy } from "./policy.ts";
import { queryOf, selects } from "./selector.ts";
import {
  type Fields,
  type Kind,
  labelsOf,
  partOf,
  type Subject,
} from "./subject.ts";

/** Why there is nothing to look things up in; the texts are those of the API server. */
export class ParamsProblem extends Error {
  override readonly name = "ParamsProblem";
}

/** What is decided where {@linkcode Params.find} could not find anything; throws what is no such problem. */
export function undecided(error: unknown): Decision {
  const isKnown = error instanceof ParamsProblem ||
    error instanceof TransporterError;
  if (!isKnown) throw error;
  const message = `failed to configure binding: ${error.message}`;
  return { rule: "paramRef", message, isError: true };
}

/** Reads objects of the cluster. */
export interface Lookup {
  /** Where a kind is. */
  kind(apiVersion: string, kind: string): Promise<Kind>;
  /** An object; `null` when it is not there. */
  get(of: Kind, namespace: string, name: string): Promise<Fields | null>;
  /** Objects, by a selector as a query writes it. */
  list(of: Kind, namespace: string, selector: string): Promise<Fields[]>;
}

/** What was given with policies for them to look things up in. */
export type Given = readonly Fields[];

/** The kind of what a policy looks things up in. */
export type ParamKind = NonNullable<Policy["paramKind"]>;

function givenOf(given: Given, { apiVersion, kind }: ParamKind): Given {
  return given.filter((each) =>
    each["apiVersion"] === apiVersion && each["kind"] === kind
  );
}

/** Whether a policy looks things up in what was given, and not in the cluster. */
export function isGiven(given: Given, { paramKind }: Policy): boolean {
  return paramKind !== undefined && givenOf(given, paramKind).length > 0;
}

/** A policy without params is judged once, with none. */
const ONCE: readonly (Fields | null)[] = [null];

/** Finds what policies look things up in: first what was given with them, then what the cluster has. */
export class Params {
  readonly #given: Given;
  readonly #lookup: Lookup | undefined;
  readonly #known = new Map<string, Promise<readonly Fields[]>>();

  constructor(given: Given, lookup: Lookup | undefined) {
    this.#given = given;
    this.#lookup = lookup;
  }

  /**
   * What a policy is judged with for an object; one judgement each.
   *
   * @throws {TransporterError} When it cannot be read, or has to be there and is not.
   */
  async find(
    { paramKind }: Policy,
    { paramRef }: Binding,
    subject: Subject,
  ): Promise<readonly (Fields | null)[]> {
    if (paramKind === undefined || paramRef === undefined) return ONCE;
    const key = JSON.stringify([paramKind, paramRef, subject.namespace]);
    const known = this.#known.get(key) ??
      this.#find(paramKind, paramRef, subject.namespace);
    this.#known.set(key, known);
    const found = await known;
    if (found.length === 0 && paramRef.parameterNotFoundAction === "Deny") {
      throw new ParamsProblem(
        "no params found for policy binding with `Deny` parameterNotFoundAction",
      );
    }
    return found;
  }

  async #find(
    paramKind: ParamKind,
    ref: ParamRef,
    namespace: string,
  ): Promise<readonly Fields[]> {
    const given = givenOf(this.#given, paramKind);
    if (given.length > 0) {
      return given.filter((each) => isMeant(each, ref, namespace));
    }
    const lookup = this.#lookup;
    if (lookup === undefined) {
      throw new ParamsProblem(
        `the params of the kind "${paramKind.kind}" are not among the policies, and there is no cluster to read them from`,
      );
    }
    const of = await lookup.kind(paramKind.apiVersion, paramKind.kind);
    const place = of.namespaced ? ref.namespace ?? namespace : "";
    if (of.namespaced && place === "") {
      throw new ParamsProblem(
        "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
      );
    }
    if (!of.namespaced && ref.namespace !== undefined) {
      throw new ParamsProblem(
        "paramRef.namespace must not be provided for a cluster-scoped `paramKind`",
      );
    }
    if (ref.name === undefined) {
      return await lookup.list(of, place, queryOf(ref.selector ?? {}));
    }
    const found = await lookup.get(of, place, ref.name);
    return found === null ? [] : [found];
  }
}

/** Whether an object that was given is one that a binding names; one without a namespace is for every one. */
function isMeant(object: Fields, ref: ParamRef, namespace: string): boolean {
  const metadata = partOf(object, "metadata");
  const own = metadata["namespace"];
  if (own !== undefined && own !== (ref.namespace ?? namespace)) return false;
  return ref.name === undefined
    ? selects(ref.selector ?? {}, labelsOf(object))
    : metadata["name"] === ref.name;
}
