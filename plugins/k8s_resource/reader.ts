import { TransporterError } from "@transporter/sdk";
import type { Cluster } from "./cluster.ts";
import { type Fields, recordsOf } from "./ready_parts.ts";

/** What {@linkcode Reader} needs. */
export interface ReaderOptions {
  /** Where to read. */
  readonly cluster: Cluster;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Told once of each list that may not be read. */
  readonly warn: (warning: string) => void;
}

/**
 * Reads what is good to know and not needed: one try each, nothing when there
 * is no answer, and never again what may not be read.
 */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #denied = new Set<string>();

  /** Makes one that has read nothing yet. */
  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Reads an object. */
  async get(path: string): Promise<Fields | undefined> {
    return await this.#read(path, "");
  }

  /** Reads a list. */
  async list(
    path: string,
    query: Readonly<Record<string, string>>,
  ): Promise<readonly Fields[] | undefined> {
    const body = await this.#read(path, `?${new URLSearchParams(query)}`);
    return body === undefined ? undefined : recordsOf(body.items);
  }

  async #read(path: string, query: string): Promise<Fields | undefined> {
    const { cluster, signal, warn } = this.#options;
    if (this.#denied.has(path)) return undefined;
    try {
      const found = await cluster.client.find(
        { method: "GET", path: path + query },
        { doing: `read "${path}"`, signal, until: 0 },
      );
      return found?.body;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransporterError)) throw error;
      // What the event needs is read elsewhere, and fails there.
      if (error.code !== "denied") return undefined;
      this.#denied.add(path);
      warn(`Why objects are not ready is not known in full: ${error.message}`);
      return undefined;
    }
  }
}
