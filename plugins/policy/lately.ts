import { type Cluster, Recent } from "../k8s_resource/port.ts";
import { Live } from "./live.ts";
import type { Lookup } from "./params.ts";
import type { Fields } from "./subject.ts";

/** How long looking something up for one write may take, in milliseconds. */
const LOOK_MS = 30_000;

/** What a gate looks at besides the write. */
export type View = Lookup & Pick<Live, "namespaceObject">;

/** What a gate needs to look at the cluster. */
export interface LatelyOptions {
  /** Opens the cluster, once. */
  readonly open: () => Promise<Cluster>;
  /** Takes what the operator should know. */
  readonly warn: (warning: string) => void;
}

/** Looks at the cluster for the writes of a gate; what one of them looked at is known for the others a second long. */
export class Lately {
  readonly #options: LatelyOptions;
  #objects: Recent<Fields | null> | undefined;
  #lists: Recent<Fields[]> | undefined;

  /** Makes one that has looked at nothing yet. */
  constructor(options: LatelyOptions) {
    this.#options = options;
  }

  /** For one write; the signal gives up. */
  async view(signal: AbortSignal): Promise<View> {
    const cluster = await this.#options.open();
    const { clock } = cluster;
    const until = clock.now() + LOOK_MS;
    const live = new Live(cluster, { signal, until }, this.#options.warn);
    const objects = this.#objects ??= new Recent(clock);
    const lists = this.#lists ??= new Recent(clock);
    return {
      kind: (...given) => live.kind(...given),
      get: (...given) =>
        objects.find(JSON.stringify(given), () => live.get(...given)),
      list: (...given) =>
        lists.find(JSON.stringify(given), () => live.list(...given)),
      namespaceObject: (name) =>
        objects.find(name, () => live.namespaceObject(name)),
    };
  }

  /** Forgets what it has seen, as a write is about to change that. */
  clear(): void {
    this.#objects?.clear();
    this.#lists?.clear();
  }
}
