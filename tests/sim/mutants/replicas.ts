/**
 * Control planes that share a store, and know too little of each other.
 *
 * @module
 */
import type { CoreOptions } from "../../../cp/core.ts";
import { Sessions } from "../../../cp/sessions.ts";
import { type Mutant, replace, withMethods, withStore } from "./mutant.ts";

/** A control plane that sees no number of a change. */
function withoutNumbers(options: CoreOptions): CoreOptions {
  const range = { oldest: 0, newest: 0 };
  return withStore(options, () => ({
    changeRange: () => Promise.resolve(range),
  }));
}

/** A control plane that nobody tells anything. */
function deaf(options: CoreOptions): CoreOptions {
  const { peers } = options;
  if (peers === undefined) return options;
  const hear = () => ({ [Symbol.dispose]: () => {} });
  return { ...options, peers: withMethods(peers, { hear }) };
}

const ownerHearsNothing: Mutant = {
  name: "owner-hears-nothing",
  upstream: [],
  does: "Lets a replica neither hear of what others write, nor look for it: " +
    "an event that one accepts stays where it is while another has its agent.",
  breaks: ["G1", "G14"],
  replicas: 2,
  budget: 50,
  plant: () => ({ core: (options) => withoutNumbers(deaf(options)) }),
};

const newsTrusted: Mutant = {
  name: "news-trusted",
  upstream: [],
  does: "Lets a replica rely on being told of what others write.",
  breaks: ["G1", "G14"],
  replicas: 2,
  budget: 100,
  plant: () => ({ core: withoutNumbers }),
};

const newsNotHeard: Mutant = {
  name: "news-not-heard",
  upstream: [],
  does: "Lets a replica look only, and hear nothing.",
  breaks: [],
  harmless: "Every look reads what was not told: an event waits for a second " +
    "longer, and no guarantee depends on that.",
  replicas: 2,
  budget: 50,
  plant: () => ({ core: deaf }),
};

const generationsNotCompared: Mutant = {
  name: "generations-not-compared",
  upstream: [],
  does: "Keeps sessions that were replaced elsewhere, and lets them write.",
  breaks: ["G2", "G3", "G4", "S1", "G1"],
  replicas: 2,
  budget: 100,
  plant: () => ({
    patch: () => replace(Sessions.prototype, "replaced", () => () => {}),
    core: (options) =>
      withStore(options, (store) => ({
        changeEvent: (tenant, id, decide) =>
          store.changeEvent(tenant, id, decide),
        releaseEvents: (tenant, release) =>
          store.releaseEvents(tenant, { ...release, gen: Infinity }),
      })),
  }),
};

const stayingWithoutStore: Mutant = {
  name: "sessions-kept-without-store",
  upstream: [],
  does: "Keeps the sessions of a replica that does not reach the store.",
  breaks: [],
  harmless: "An agent waits for as long as that lasts, which no guarantee " +
    "limits while it lasts; what it reports is refused, and sent again.",
  replicas: 2,
  budget: 50,
  plant: () => ({
    patch: () => replace(Sessions.prototype, "disperse", () => () => {}),
  }),
};

/** All of them. */
export const REPLICAS: readonly Mutant[] = [
  ownerHearsNothing,
  newsTrusted,
  newsNotHeard,
  generationsNotCompared,
  stayingWithoutStore,
];
