import {
  checkUser,
  type OpenConsumer,
  shownUrl,
  TransporterError,
} from "@transporter/sdk";
import { Ingest, type IngestOptions, type IngestState } from "./ingest.ts";

/** How consumers of brokers are opened, by the scheme of their URL, such as `nats`. */
export type Brokers = Readonly<Record<string, OpenConsumer>>;

/** Options of {@linkcode openIngests}. */
export interface IngestsOptions extends Omit<IngestOptions, "url" | "open"> {
  /** How brokers are reached. */
  readonly brokers: Brokers;
}

/** All brokers that events are taken from. */
export interface Ingests extends AsyncDisposable {
  /** How they are, in the order of their settings. */
  readonly states: readonly IngestState[];
  /** Why nothing comes from one of them; `undefined` when all is well. */
  readonly fault: TransporterError | undefined;
}

/**
 * Reads the address of a broker.
 *
 * @throws {TransporterError} `usage`.
 */
function readBroker(
  flag: string,
  text: string,
  schemes: readonly string[],
): URL {
  const url = URL.parse(text);
  if (url !== null && schemes.includes(url.protocol.slice(0, -1))) {
    checkUser(url);
    return url;
  }
  const shown = shownUrl(text);
  const known = schemes.length === 0
    ? "there is none here"
    : schemes.map((scheme) => `"${scheme}://…"`).join(", ");
  throw new TransporterError(
    "usage",
    /^memphis/i.test(text)
      ? `Cannot use ${flag} "${shown}": there is no Memphis any more; NATS JetStream takes its place, "nats://HOST:4222"`
      : `Cannot use ${flag} "${shown}": it must be the address of a broker: ${known}`,
  );
}

/**
 * Begins to take events from brokers. One that is away is tried for ever.
 *
 * @throws {TransporterError} `usage` for an address that is none.
 */
export function openIngests(
  addresses: readonly string[],
  { brokers, ...options }: IngestsOptions,
): Ingests {
  const urls = addresses.map((address) =>
    readBroker("--ingest", address, Object.keys(brokers))
  );
  const ingests = urls.flatMap((url) => {
    const open = brokers[url.protocol.slice(0, -1)];
    return open === undefined ? [] : [new Ingest({ ...options, url, open })];
  });
  return {
    get states() {
      return ingests.map(({ state }) => state);
    },
    get fault() {
      return ingests.map(({ state }) => state.fault).find(Boolean);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(ingests.map((each) => each[Symbol.asyncDispose]()));
    },
  };
}
