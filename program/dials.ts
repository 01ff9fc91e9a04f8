import {
  type Dial,
  silentLogger,
  systemClock,
  TransporterError,
} from "@transporter/sdk";
import { dialHttp, dialSse } from "@transporter/sdk/http";
import { dialWebSocket } from "@transporter/sdk/websocket";
import { type FallbackOptions, withFallback } from "./fallback.ts";

/** The name of a variable, if it is set, in capitals or not. */
function set(
  name: string,
  env: Readonly<Record<string, string>>,
): string | undefined {
  return env[name] || env[name.toLowerCase()] ? name : undefined;
}

/** Whether `NO_PROXY` says that a host is reached without a proxy. */
function isDirect(host: string, noProxy: string): boolean {
  return noProxy.split(",").map((entry) => entry.trim()).filter(Boolean).some(
    (entry) => {
      const name = entry.replace(/^\*?\./, "");
      return entry === "*" || host === name || host.endsWith(`.${name}`);
    },
  );
}

/**
 * How agents dial, by URL scheme. A WebSocket that does not go through gives
 * way to long polls.
 *
 * Plain `ws` does not go through an HTTP proxy on Deno, and neither does NATS
 * over TCP, so that they are refused where one is set for the host.
 */
export function dials(
  env: Readonly<Record<string, string>>,
  options: FallbackOptions = { clock: systemClock, log: silentLogger },
): Readonly<Record<string, Dial>> {
  const plain = set("HTTP_PROXY", env) ?? set("ALL_PROXY", env);
  const any = set("HTTPS_PROXY", env) ?? plain;
  const noProxy = env["NO_PROXY"] || env["no_proxy"] || "";

  /** Refuses hosts that only a proxy would reach. */
  function direct(
    proxy: string | undefined,
    { what, instead }: { readonly what: string; readonly instead: string },
    dial: Dial,
  ): Dial {
    // deno-lint-ignore require-await -- a refusal must reject, not throw
    return async (url, options) => {
      if (proxy && !isDirect(url.hostname, noProxy)) {
        throw new TransporterError(
          "usage",
          `Cannot dial "${url.protocol}//${url.host}${url.pathname}" as ${what} does not go through the proxy in ${proxy}: ` +
            `use ${instead}, or add "${url.hostname}" to NO_PROXY`,
        );
      }
      return dial(url, options);
    };
  }

  /** Loaded when it is asked for: most agents have no use for it. */
  const nats: Dial = async (url, options) => {
    const { dialNats } = await import("@transporter/sdk/nats");
    return await dialNats(url, options);
  };
  const socket = { what: "a plain WebSocket", instead: "wss" };
  const natsTcp = { what: "NATS over TCP", instead: "nats+wss" };
  const natsSocket = { what: "a plain WebSocket", instead: "nats+wss" };
  return {
    ws: direct(plain, socket, withFallback(dialWebSocket, dialHttp, options)),
    wss: withFallback(dialWebSocket, dialHttp, options),
    http: dialHttp,
    https: dialHttp,
    nats: direct(any, natsTcp, nats),
    tls: direct(any, natsTcp, nats),
    "nats+ws": direct(plain, natsSocket, nats),
    "nats+wss": nats,
    "http+sse": dialSse,
    "https+sse": dialSse,
  };
}
