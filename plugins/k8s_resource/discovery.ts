import { isRecord, TransporterError } from "@transporter/sdk";
import type { ApiClient, CallOptions } from "./client.ts";
import { KindIndex, type KindPlace } from "./kind_index.ts";

/** Aggregated discovery, in the forms that 1.30 and 1.27 know; else the old one. */
const ACCEPT = [
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
  "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
  "application/json",
].join(",");

/** Requests at a time, where a server has no aggregated discovery. */
const PARALLEL = 8;

type Limits = Omit<CallOptions, "doing">;

function recordsAt(
  record: Readonly<Record<string, unknown>>,
  key: string,
): Record<string, unknown>[] {
  const list = record[key];
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

/**
 * Whether objects of a kind can be applied. What can be deleted and not patched
 * is of a definition that is being deleted (seen on 1.36.3): the server says so
 * when it is asked, as long as it is true.
 */
function isPatchable({ verbs }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(verbs) &&
    (verbs.includes("patch") || verbs.includes("delete"));
}

function placesOf(group: Record<string, unknown>, index: KindIndex): void {
  const name = isRecord(group.metadata)
    ? String(group.metadata.name ?? "")
    : "";
  for (const version of recordsAt(group, "versions")) {
    const stale = version.freshness === "Stale";
    const kinds = recordsAt(version, "resources").map((
      resource,
    ): KindPlace => ({
      kind: isRecord(resource.responseKind)
        ? String(resource.responseKind.kind)
        : "",
      resource: String(resource.resource),
      namespaced: resource.scope === "Namespaced",
      patchable: isPatchable(resource),
      statusApart: recordsAt(resource, "subresources")
        .some(({ subresource }) => subresource === "status"),
    }));
    index.add({ group: name, version: String(version.version) }, {
      stale,
      kinds,
    });
  }
}

/**
 * Knows which kinds a cluster serves and where. It asks when it is first
 * needed, and again when something is not there.
 */
export class Discovery {
  readonly #client: ApiClient;
  #index: KindIndex | undefined;

  /** Makes one; nothing is asked yet. */
  constructor(client: ApiClient) {
    this.#client = client;
  }

  /**
   * What the cluster serves, as far as known.
   *
   * @throws {TransporterError} `cluster_unavailable`, `unauthenticated` or `denied`.
   */
  async index(limits: Limits): Promise<KindIndex> {
    return this.#index ?? await this.reload(limits);
  }

  /** Asks again. */
  async reload(limits: Limits): Promise<KindIndex> {
    const index = new KindIndex();
    // One after the other: a second one would be tried again when the first has failed for good.
    for (const path of ["/api", "/apis"]) {
      const answer = await this.#get(path, limits);
      if (answer.kind === "APIGroupDiscoveryList") {
        for (const group of recordsAt(answer, "items")) placesOf(group, index);
      } else {
        await this.#loadEach(answer, { index, limits });
      }
    }
    this.#index = index;
    return index;
  }

  /** Forgets what is known, since the cluster has changed. */
  forget(): void {
    this.#index = undefined;
  }

  /** One request for each group and version: servers before 1.27, and aggregated ones without the new form. */
  async #loadEach(
    answer: Readonly<Record<string, unknown>>,
    { index, limits }: { readonly index: KindIndex; readonly limits: Limits },
  ): Promise<void> {
    const core = Array.isArray(answer.versions)
      ? answer.versions.map(String)
      : [];
    const wanted = [
      ...core.map((version) => ({
        group: "",
        version,
        path: `/api/${version}`,
      })),
      ...recordsAt(answer, "groups").flatMap((group) =>
        recordsAt(group, "versions").map((version) => ({
          group: String(group.name),
          version: String(version.version),
          path: `/apis/${version.groupVersion}`,
        }))
      ),
    ];
    for (let i = 0; i < wanted.length; i += PARALLEL) {
      await Promise.all(
        wanted.slice(i, i + PARALLEL).map(async ({ path, ...place }) => {
          index.add(place, await this.#version(path, limits));
        }),
      );
    }
  }

  async #version(
    path: string,
    limits: Limits,
  ): Promise<{ readonly stale: boolean; readonly kinds: KindPlace[] }> {
    try {
      // A server behind the API server may be down; the rest goes on without it.
      const list = await this.#get(path, { ...limits, until: 0 });
      const resources = recordsAt(list, "resources");
      const names = new Set(resources.map(({ name }) => name));
      const kinds = resources
        .filter(({ name }) => !String(name).includes("/")) // subresources
        .map(({ name, kind, namespaced, verbs }): KindPlace => ({
          kind: String(kind),
          resource: String(name),
          namespaced: namespaced === true,
          patchable: isPatchable({ verbs }),
          statusApart: names.has(`${name}/status`),
        }));
      return { stale: false, kinds };
    } catch (error) {
      if (
        !(error instanceof TransporterError) ||
        error.code !== "cluster_unavailable"
      ) throw error;
      return { stale: true, kinds: [] };
    }
  }

  async #get(
    path: string,
    limits: Limits,
  ): Promise<Readonly<Record<string, unknown>>> {
    const doing = `ask the cluster for its kinds ("${path}")`;
    const { body } = await this.#client.call({
      method: "GET",
      path,
      accept: ACCEPT,
    }, {
      ...limits,
      doing,
    });
    return body;
  }
}
