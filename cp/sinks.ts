import {
  checkUser,
  type OpenSink,
  shownUrl,
  TransporterError,
} from "@transporter/sdk";
import { isLoopback } from "./config.ts";
import { Results, type ResultsOptions, type ResultsState } from "./results.ts";

/** How receivers of results are reached, by the scheme of their URL, such as `https`. */
export type Sinks = Readonly<Record<string, OpenSink>>;

/** Options of {@linkcode openResults}. */
export interface SinksOptions extends Omit<ResultsOptions, "url" | "open"> {
  /** How receivers are reached. */
  readonly sinks: Sinks;
}

/** All receivers of results. */
export interface OpenedResults extends AsyncDisposable {
  /** How they are, in the order of their settings. */
  readonly states: readonly ResultsState[];
}

function usage(problem: string): never {
  throw new TransporterError("usage", `Cannot use --results ${problem}`);
}

/** Reads the address of a receiver, and finds the way to it. */
function read(text: string, sinks: Sinks): readonly [URL, OpenSink] {
  const url = URL.parse(text);
  const open = url === null ? undefined : sinks[url.protocol.slice(0, -1)];
  if (url === null || open === undefined) {
    const shown = shownUrl(text);
    const known = Object.keys(sinks).map((scheme) => `"${scheme}://…"`);
    return usage(
      `"${shown}": it must be ${known.join(", ") || "left out here"}`,
    );
  }
  if (
    url.protocol === "http:" &&
    !isLoopback(url.hostname.replace(/^\[|\]$/g, ""))
  ) {
    return usage(
      `"${
        shownUrl(url)
      }": results would cross the network in the open; use https`,
    );
  }
  if (!/^https?:$/.test(url.protocol)) checkUser(url);
  return [url, open];
}

/**
 * Begins to tell receivers how events end.
 *
 * @throws {TransporterError} `usage` for an address that is none, `store_unavailable`.
 */
export async function openResults(
  addresses: readonly string[],
  { sinks, ...options }: SinksOptions,
): Promise<OpenedResults> {
  const places = addresses.map((address) => read(address, sinks));
  const names = places.map(([url]) => shownUrl(url));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) usage(`"${twice}" twice`);
  await using opened = new AsyncDisposableStack();
  const results: Results[] = [];
  for (const [url, open] of places) {
    results.push(opened.use(await Results.open({ ...options, url, open })));
  }
  const held = opened.move();
  return {
    get states() {
      return results.map(({ state }) => state);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
