/**
 * Random bundles: what a team sends, and what it sends a week later.
 *
 * @module
 */
import type { Random } from "../../sim/random.ts";

/** An object as a manifest has it. */
type Manifest = Readonly<Record<string, unknown>>;

/** One event of a bundle. */
export interface BundleEvent {
  /** Tells it from the others; the same in every place. */
  readonly name: string;
  /** What is asked. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What is sent, one generation after the other. */
export interface Bundle {
  /** The events of each generation. */
  readonly generations: readonly (readonly BundleEvent[])[];
  /** Whether a generation is sent before the one before it has ended. */
  readonly overlaps: boolean;
}

/** Something that a bundle has, of which each generation makes an object. */
interface Idea {
  readonly kind: Kind;
  readonly name: string;
  readonly namespace: string;
  /** What it says; another number is another content. */
  readonly content: number;
  /** Whether a key, a port or a rule is there besides. */
  readonly more: boolean;
}

const KINDS = [
  "ConfigMap",
  "ConfigMap",
  "Secret",
  "ServiceAccount",
  "Service",
  "Deployment",
  "Role",
  "Thing",
] as const;

type Kind = typeof KINDS[number];

/** The group of the custom kind of a place. */
export function groupOf(namespace: string): string {
  return `${namespace}.example.com`;
}

/** The second namespace of a place, which the bundle makes. */
export function secondOf(namespace: string): string {
  return `${namespace}-b`;
}

function fieldsOf(idea: Idea): Manifest {
  const { kind, name, content, more } = idea;
  const text = `c${content}`;
  const extra = more ? { more: "yes" } : {};
  switch (kind) {
    case "ConfigMap":
      return { data: { text, ...extra } };
    case "Secret":
      return content % 2 === 0
        ? { data: { text: btoa(text) }, stringData: { ...extra } }
        : { stringData: { text, ...extra } };
    case "ServiceAccount":
      return { automountServiceAccountToken: more };
    case "Service":
      return {
        spec: {
          selector: { app: text },
          ports: [
            { name: "web", port: 80 + content },
            ...(more ? [{ name: "more", port: 8000 }] : []),
          ],
        },
      };
    case "Deployment":
      return {
        spec: {
          replicas: content,
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: {
              containers: [
                { name: "main", image: `registry.example/main:${content}` },
                ...(more
                  ? [{ name: "more", image: "registry.example/more:1" }]
                  : []),
              ],
            },
          },
        },
      };
    case "Role":
      return {
        rules: [{
          apiGroups: [""],
          resources: ["configmaps", ...(more ? ["secrets"] : [])],
          resourceNames: [text],
          verbs: ["get"],
        }],
      };
    case "Thing":
      return { spec: { text, ...extra } };
  }
}

const API_VERSIONS: Readonly<Partial<Record<Kind, string>>> = {
  Deployment: "apps/v1",
  Role: "rbac.authorization.k8s.io/v1",
};

function manifestOf(idea: Idea, place: string): Manifest {
  const { kind, name, namespace } = idea;
  return {
    apiVersion: kind === "Thing"
      ? `${groupOf(place)}/v1`
      : API_VERSIONS[kind] ?? "v1",
    kind,
    metadata: { name, namespace },
    ...fieldsOf(idea),
  };
}

function definition(place: string): Manifest {
  const group = groupOf(place);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind: "Thing", plural: "things" },
      versions: [{
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            "x-kubernetes-preserve-unknown-fields": true,
          },
        },
      }],
    },
  };
}

function newIdea(random: Random, place: string, name: string): Idea {
  return {
    kind: random.pick(KINDS),
    name,
    namespace: random.chance(0.25) ? secondOf(place) : place,
    content: random.int(1, 4),
    more: random.chance(0.5),
  };
}

/** What becomes of the ideas of one generation in the next one. */
function evolve(ideas: readonly Idea[], random: Random, place: string): Idea[] {
  const kept = ideas.flatMap((idea): Idea[] => {
    if (random.chance(0.2)) return [];
    if (random.chance(0.4)) return [idea];
    return [{
      ...idea,
      content: random.int(1, 4),
      more: random.chance(0.5),
    }];
  });
  const added = Array.from(
    { length: random.int(0, 2) },
    (_, i) => newIdea(random, place, `new-${i}`),
  );
  return [...kept, ...added];
}

/**
 * A random bundle for a place: the same random numbers give the same bundle
 * with other names of namespaces.
 *
 * @param random Decides.
 * @param place The namespace that most of it is in.
 */
export function randomBundle(random: Random, place: string): Bundle {
  const second = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: secondOf(place) },
  };
  let main = Array.from(
    { length: random.int(3, 8) },
    (_, i) => newIdea(random, place, `main-${i}`),
  );
  // Without a set, and beside the other event: objects that both have would be a matter of luck.
  let side = Array.from(
    { length: random.int(1, 4) },
    (_, i) => newIdea(random, place, `side-${i}`),
  ).filter(({ kind, namespace }) => kind !== "Thing" && namespace === place);
  const inSet = random.chance(0.5);
  const made = random.chance(0.7);
  const generations: BundleEvent[][] = [];
  for (let n = 1; n <= 2; n++) {
    const manifests = [
      second,
      definition(place),
      ...main.map((idea) => manifestOf(idea, place)),
    ];
    const events: BundleEvent[] = [{
      name: `main-${n}`,
      payload: {
        manifests,
        wait: "applied",
        ...(inSet ? { apply_set: `${place}/all` } : {}),
      },
    }];
    if (side.length > 0) {
      events.push({
        name: `side-${n}`,
        payload: {
          manifests: side.map((idea) => manifestOf(idea, place)),
          wait: "applied",
        },
      });
    }
    if (made) {
      events.push({
        name: `made-${n}`,
        payload: {
          manifests: [0, 1, 2, 3].map((i) => ({
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { generateName: "made-", namespace: place },
            data: { text: `${n}.${i}` },
          })),
        },
      });
    }
    generations.push(random.chance(0.5) ? events : events.toReversed());
    main = evolve(main, random, place);
    side = evolve(side, random, place)
      .filter(({ kind, namespace }) => kind !== "Thing" && namespace === place)
      .map((idea) => ({ ...idea, name: idea.name.replace("new", "side-new") }));
  }
  return { generations, overlaps: random.chance(0.5) };
}
