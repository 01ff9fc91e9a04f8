import {
  type OpenConsumer,
  type OpenPublisher,
  type OpenSink,
  TransporterError,
} from "@transporter/sdk";
import { type Env, refuseProxied } from "./proxy.ts";

/** The schemes of NATS. */
const NATS = ["nats", "tls", "nats+ws", "nats+wss"] as const;

function bySchemes<T>(open: T): Readonly<Record<string, T>> {
  return Object.fromEntries(NATS.map((scheme) => [scheme, open]));
}

/** How a control plane reaches brokers, by URL scheme; what they need is loaded when one is. */
export const consumers: Readonly<Record<string, OpenConsumer>> = bySchemes<
  OpenConsumer
>(async (...args) => {
  const { openNatsConsumer } = await import("@transporter/sdk/nats-ingest");
  return await openNatsConsumer(...args);
});

/** How a producer reaches brokers, by URL scheme; one that only a proxy would reach is refused. */
export function publishers(env: Env): Readonly<Record<string, OpenPublisher>> {
  return bySchemes<OpenPublisher>(async (url, options) => {
    refuseProxied(url, env);
    const { openNatsPublisher } = await import("@transporter/sdk/nats-ingest");
    return await openNatsPublisher(url, options);
  });
}

/** How receivers of results are reached, by URL scheme; webhooks are signed with the secrets in a file. */
export function sinks(
  secretFile: string | undefined,
): Readonly<Record<string, OpenSink>> {
  const webhook: OpenSink = async (...args) => {
    const { webhooks } = await import("@transporter/sdk/webhook");
    const secrets = () => readSecretFile(secretFile);
    return await webhooks({ secrets })(...args);
  };
  const nats: OpenSink = async (...args) => {
    const { openNatsSink } = await import("@transporter/sdk/nats-results");
    return await openNatsSink(...args);
  };
  return { https: webhook, http: webhook, ...bySchemes(nats) };
}

/**
 * Refuses brokers that only a proxy would reach, before anything begins. What
 * is no address of one is refused by whoever uses it.
 *
 * @throws {TransporterError} `usage`.
 */
export function checkBrokers(addresses: readonly string[], env: Env): void {
  for (const address of addresses) {
    const url = URL.parse(address);
    if (url !== null && NATS.some((scheme) => url.protocol === `${scheme}:`)) {
      refuseProxied(url, env);
    }
  }
}

/**
 * Refuses webhooks that could not be signed, and secrets that nothing would be
 * signed with, before anything begins.
 *
 * @throws {TransporterError} `usage`.
 */
export async function checkSecrets(
  results: readonly string[],
  secretFile: string | undefined,
): Promise<void> {
  if (!results.some((address) => /^https?:/i.test(address))) {
    if (secretFile === undefined) return;
    throw new TransporterError(
      "usage",
      "Cannot use --results-secret-file as no --results names a webhook: nothing else is signed",
    );
  }
  const { readSecrets } = await import("@transporter/sdk/webhook");
  readSecrets(await readSecretFile(secretFile));
}

async function readSecretFile(path: string | undefined): Promise<string> {
  if (path === undefined) {
    throw new TransporterError(
      "usage",
      "Cannot sign results for a webhook without a secret: name its file with --results-secret-file",
    );
  }
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new TransporterError(
      "usage",
      `Cannot read the secret of results in "${path}"`,
      { cause },
    );
  }
}
