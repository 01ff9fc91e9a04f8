import { BUILT_IN } from "./built_in.ts";
import { nearest } from "@transporter/sdk";

/** A group and a version of it. */
export interface GroupVersion {
  /** The API group; empty for the core group. */
  readonly group: string;
  /** The version. */
  readonly version: string;
}

/** Where a kind is served. */
export interface KindPlace {
  /** The kind. */
  readonly kind: string;
  /** The plural, which is in the paths. */
  readonly resource: string;
  /** Whether its objects live in namespaces. */
  readonly namespaced: boolean;
  /** Whether its objects can be applied at all: some kinds are questions, not objects. */
  readonly patchable: boolean;
  /** Whether its status is written at a path of its own, so that an apply drops one; absent when not known. */
  readonly statusApart?: boolean;
}

/** What is known about a group and version. */
export interface ServedKinds {
  /** The server behind it does not answer, so that the kinds are not known. */
  readonly stale: boolean;
  /** The kinds. */
  readonly kinds: readonly KindPlace[];
}

/** Groups in an error; a cluster with many operators has a hundred. */
const GROUPS_NAMED_MAX = 40;

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: GroupVersion): string {
  return group === "" ? version : `${group}/${version}`;
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(", ");
}

/** The kinds that a cluster serves, for looking them up and for saying what is there instead. */
export class KindIndex {
  readonly #served = new Map<string, GroupVersion & ServedKinds>();

  /** Adds a group and version. */
  add(place: GroupVersion, served: ServedKinds): void {
    this.#served.set(apiVersionOf(place), { ...place, ...served });
  }

  /** Where a kind is served; `undefined` when it is not, or not known. */
  find(place: GroupVersion, kind: string): KindPlace | undefined {
    return this.#served.get(apiVersionOf(place))?.kinds.find((each) =>
      each.kind === kind
    );
  }

  /** Where a kind is served in any version: in the one that the server names first. */
  findKind(
    group: string,
    kind: string,
  ): { readonly version: string; readonly place: KindPlace } | undefined {
    for (const { version, kinds, ...each } of this.#served.values()) {
      const place = kinds.find((each) => each.kind === kind);
      if (each.group === group && place !== undefined) {
        return { version, place };
      }
    }
    return undefined;
  }

  /** Where a kind is served in any group: in the one that the server names first. */
  findAnyGroup(
    kind: string,
  ):
    | (GroupVersion & { readonly place: KindPlace })
    | undefined {
    for (const { group, version, kinds } of this.#served.values()) {
      const place = kinds.find((each) => each.kind === kind);
      if (place !== undefined) return { group, version, place };
    }
    return undefined;
  }

  /** Whether the server of the group does not answer, so that nobody knows its kinds. */
  isStale({ group }: GroupVersion): boolean {
    return [...this.#served.values()].some((each) =>
      each.group === group && each.stale
    );
  }

  /** What is there in place of a kind that is in no group: continues a sentence. */
  explainKind(kind: string): string {
    const kinds = [...this.#served.values()].flatMap((each) =>
      each.kinds.map((place) => place.kind)
    );
    const near = nearest(kind, kinds, { ignoreCase: true });
    const hint = near === undefined ? "" : `; the nearest is "${near}"`;
    return `the cluster has no such kind${hint}`;
  }

  /** What is there in place of a kind that is not: continues a sentence. */
  explain(place: GroupVersion, kind: string): string {
    const all = [...this.#served.values()];
    const wanted = apiVersionOf(place);
    const elsewhere = all.filter(({ kinds }) =>
      kinds.some((each) => each.kind === kind)
    );
    if (elsewhere.length > 0) {
      return `the cluster has "${kind}" in ${
        quoted(elsewhere.map(apiVersionOf))
      }, not in "${wanted}"`;
    }
    const here = this.#served.get(wanted);
    const near = nearest(
      kind,
      (here === undefined ? all : [here]).flatMap(({ kinds }) =>
        kinds.map((each) => each.kind)
      ),
      { ignoreCase: true },
    );
    const hint = near === undefined ? "" : `; the nearest is "${near}"`;
    if (here !== undefined) {
      return `the cluster has no "${kind}" in "${wanted}"${hint}`;
    }
    const versions = all.filter(({ group }) => group === place.group);
    if (versions.length > 0) {
      return `the cluster has no "${wanted}", but ${
        quoted(versions.map(apiVersionOf))
      }${hint}`;
    }
    const groups = [...new Set(all.map(({ group }) => group))]
      .filter((group) => !BUILT_IN.has(group)).sort();
    const start = `the cluster has no "${kind}" in "${wanted}"${hint}`;
    if (groups.length === 0) {
      return `${start}, and no API groups besides those of Kubernetes`;
    }
    const more = groups.length > GROUPS_NAMED_MAX ? " and more" : "";
    const named = groups.slice(0, GROUPS_NAMED_MAX).join(", ");
    return `${start}; its API groups besides those of Kubernetes are ${named}${more}`;
  }
}
