import { TransporterError } from "@transporter/sdk";
import {
  apiVersionOf,
  type Cluster,
  type KindIndex,
  type KindPlace,
} from "../k8s_resource/port.ts";
import { type Lookup, ParamsProblem } from "./params.ts";
import type { Target } from "./payload.ts";
import { type Limits, pagesOf } from "./pages.ts";
import { type Fields, type Kind, splitVersion } from "./subject.ts";

/** Objects that a policy looks things up in, at most. */
const PARAMS_MAX = 1_000;

function kindAt(group: string, version: string, place: KindPlace): Kind {
  const { kind, resource, namespaced } = place;
  return { group, version, kind, resource, namespaced };
}

/** Reads the objects of a cluster. */
export class Live implements Lookup {
  readonly #cluster: Cluster;
  readonly #limits: Limits;
  readonly #namespaces = new Map<string, Fields | null>();
  readonly #warn: (warning: string) => void;

  constructor(
    cluster: Cluster,
    limits: Limits,
    warn: (warning: string) => void,
  ) {
    this.#cluster = cluster;
    this.#limits = limits;
    this.#warn = warn;
  }

  /** The namespace of objects that name none. */
  get namespace(): string {
    return this.#cluster.namespace;
  }

  /** What the cluster serves; asked for once more when it does not have a kind. */
  async #index(hasIt: (index: KindIndex) => boolean): Promise<KindIndex> {
    const { discovery } = this.#cluster;
    const index = await discovery.index(this.#limits);
    return hasIt(index) ? index : await discovery.reload(this.#limits);
  }

  /** Where a kind is, if it is anywhere. */
  async find(
    group: string,
    version: string,
    kind: string,
  ): Promise<Kind | undefined> {
    const index = await this.#index((each) =>
      each.find({ group, version }, kind) !== undefined
    );
    const place = index.find({ group, version }, kind);
    return place && kindAt(group, version, place);
  }

  async kind(apiVersion: string, kind: string): Promise<Kind> {
    const { group, version } = splitVersion(apiVersion);
    const found = await this.find(group, version, kind);
    if (found !== undefined) return found;
    const index = await this.#cluster.discovery.index(this.#limits);
    throw new TransporterError(
      "unknown_kind",
      `Cannot look at the kind "${kind}": ${
        index.explain({ group, version }, kind)
      }`,
    );
  }

  /**
   * The kind of a target; without a version, the first that the server names.
   *
   * @throws {TransporterError} `unknown_kind`; `invalid` for a namespace where its objects are in none.
   */
  async kindOf(target: Target): Promise<Kind> {
    const of = await this.#named(target);
    if (target.namespace === undefined || of.namespaced) return of;
    throw new TransporterError(
      "invalid",
      `Cannot look at the kind "${of.kind}" in the namespace "${target.namespace}": its objects are in none`,
    );
  }

  async #named({ kind, api_version: apiVersion }: Target): Promise<Kind> {
    if (apiVersion !== undefined) return await this.kind(apiVersion, kind);
    const index = await this.#index((each) =>
      each.findAnyGroup(kind) !== undefined
    );
    const found = index.findAnyGroup(kind);
    if (found !== undefined) {
      return kindAt(found.group, found.version, found.place);
    }
    throw new TransporterError(
      "unknown_kind",
      `Cannot look at the kind "${kind}": ${index.explainKind(kind)}`,
    );
  }

  #path({ group, version, resource }: Kind, namespace: string): string {
    const root = group === "" ? "/api/" : "/apis/";
    const within = namespace === ""
      ? ""
      : `/namespaces/${encodeURIComponent(namespace)}`;
    return `${root}${apiVersionOf({ group, version })}${within}/${resource}`;
  }

  async get(of: Kind, namespace: string, name: string): Promise<Fields | null> {
    const found = await this.#cluster.client.find({
      method: "GET",
      path: `${this.#path(of, namespace)}/${encodeURIComponent(name)}`,
    }, {
      ...this.#limits,
      doing: `read ${of.kind} "${name}"`,
      // Without its namespace or its kind an object is not there either.
      review: (verdict) =>
        verdict.missing ? { ...verdict, missing: "object" } : verdict,
    });
    return found === undefined ? null : found.body;
  }

  async list(of: Kind, namespace: string, selector: string): Promise<Fields[]> {
    const all: Fields[] = [];
    const pages = this.pages(of, { namespace, label_selector: selector });
    for await (const page of pages) {
      all.push(...page);
      if (all.length > PARAMS_MAX) {
        throw new ParamsProblem(
          `there are more than ${PARAMS_MAX} objects of the kind "${of.kind}" to look things up in`,
        );
      }
    }
    return all;
  }

  /**
   * The objects of a kind, page by page; while one is looked at the next is asked for.
   *
   * @throws {TransporterError} `denied` when they may not be listed, and what else the server answers.
   */
  pages(
    of: Kind,
    { namespace = "", label_selector: labelSelector = "" }: Pick<
      Target,
      "namespace" | "label_selector"
    >,
  ): AsyncGenerator<Iterable<Fields>> {
    const path = this.#path(of, namespace);
    const list = { path, apiVersion: apiVersionOf(of), kind: of.kind };
    const { client } = this.#cluster;
    return pagesOf({ ...list, labelSelector }, client, this.#limits);
  }

  /** A Namespace as it is known already; `undefined` when it has to be asked for. */
  knownNamespace(name: string): Fields | null | undefined {
    return this.#namespaces.get(name);
  }

  /** A Namespace; when it may not be read, what its name tells. */
  async namespaceObject(name: string): Promise<Fields | null> {
    const of: Kind = {
      ...{ group: "", version: "v1", kind: "Namespace" },
      ...{ resource: "namespaces", namespaced: false },
    };
    let found: Fields | null;
    try {
      found = await this.get(of, "", name);
    } catch (error) {
      this.#limits.signal.throwIfAborted();
      if (!(error instanceof TransporterError) || error.code !== "denied") {
        throw error;
      }
      this.#warn(
        `The namespace "${name}" may not be read, so only its name is known`,
      );
      found = bareNamespace(name);
    }
    this.#namespaces.set(name, found);
    return found;
  }
}

/** What is known of a Namespace by its name. */
export function bareNamespace(name: string): Fields {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
  };
}
