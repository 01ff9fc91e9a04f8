import { TransporterError } from "@transporter/sdk";
import { type Cluster, LongAnswer } from "../k8s_resource/port.ts";
import { ListPage } from "./list_page.ts";
import { type Fields, partOf } from "./subject.ts";

/** Objects in the first page of a list. */
const FIRST_PAGE = 100;

/** Objects in a page at most. */
const PAGE_MAX = 500;

/**
 * Bytes that a page should have. A server takes as long for a page of few
 * objects as for one of many; two of them are in memory here.
 */
const PAGE_BYTES = 1_000_000;

/** The bounds of all calls. */
export interface Limits {
  /** Gives up. */
  readonly signal: AbortSignal;
  /** When to stop trying again, in milliseconds since 1970. */
  readonly until: number;
  /** Told why a call is tried again. */
  readonly onRetry?: (reason: string) => Promise<void>;
}

/** A list of objects. */
export interface List {
  /** Where it is. */
  readonly path: string;
  /** What its objects are, which they do not say. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly labelSelector: string;
}

type Client = Pick<Cluster["client"], "read">;

/** How many objects the next page may have, by the size of those of the last one. */
function limitFor({ size, length }: ListPage): number {
  const fitting = Math.floor(PAGE_BYTES * length / size);
  return Math.min(Math.max(fitting, 1), PAGE_MAX);
}

/** Reads a list, one page after the other. */
class Pages {
  readonly #list: List;
  readonly #client: Client;
  readonly #limits: Limits;
  /** The one that is looked at, and the one that is asked for. */
  readonly #two = [new ListPage(), new ListPage()] as const;
  #turn = 0;
  #token = "";
  #limit = FIRST_PAGE;

  constructor(list: List, client: Client, limits: Limits) {
    this.#list = list;
    this.#client = client;
    this.#limits = limits;
  }

  /** The next page, and whether there is one after it; with fewer objects where so many are more than is read at once. */
  async next(): Promise<{ page: ListPage; isLast: boolean }> {
    const page = this.#two[this.#turn ^= 1]!;
    for (;;) {
      try {
        await this.#fetch(page);
        const metadata = partOf(this.#read(() => page.open()), "metadata");
        this.#token = String(metadata["continue"] ?? "");
        this.#limit = limitFor(page);
        return { page, isLast: this.#token === "" };
      } catch (error) {
        const isLong = error instanceof TransporterError &&
          error.cause instanceof LongAnswer;
        if (!isLong || this.#limit === 1) throw error;
        this.#limit = Math.ceil(this.#limit / 8);
      }
    }
  }

  /** The objects of a page; each is read when it is its turn. */
  *objects(page: ListPage): Generator<Fields> {
    const { apiVersion, kind } = this.#list;
    const items = page.items();
    for (;;) {
      const { value, done } = this.#read(() => items.next());
      if (done) return;
      yield { apiVersion, kind, ...value };
    }
  }

  #read<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new TransporterError(
        "failed",
        `Cannot list the objects of the kind "${this.#list.kind}": the answer is no JSON`,
        { cause },
      );
    }
  }

  async #fetch(sink: ListPage): Promise<void> {
    const { path, kind, labelSelector } = this.#list;
    const token = this.#token;
    const query = new URLSearchParams({
      limit: String(this.#limit),
      ...(labelSelector === "" ? {} : { labelSelector }),
      ...(token === "" ? {} : { continue: token }),
    });
    let expired = false;
    try {
      await this.#client.read(
        { method: "GET", path: `${path}?${query}` },
        sink,
        {
          ...this.#limits,
          doing: `list the objects of the kind "${kind}"`,
          review: (verdict) => {
            expired = verdict.expired === true;
            return verdict;
          },
        },
      );
    } catch (cause) {
      if (!expired || token === "") throw cause;
      throw new TransporterError(
        "unavailable",
        `Cannot go on listing the objects of the kind "${kind}": it took so long that the server has forgotten where it was`,
        { cause },
      );
    }
  }
}

/**
 * The objects of a list, page by page; while one is looked at the next is asked for.
 *
 * @throws {TransporterError} `denied` when they may not be listed, and what else the server answers.
 */
export async function* pagesOf(
  list: List,
  client: Client,
  limits: Limits,
): AsyncGenerator<Iterable<Fields>> {
  const pages = new Pages(list, client, limits);
  let next = pages.next();
  for (;;) {
    const { page, isLast } = await next;
    if (!isLast) {
      next = pages.next();
      next.catch(() => {}); // thrown where it is waited for, if it is
    }
    yield pages.objects(page);
    if (isLast) return;
  }
}
