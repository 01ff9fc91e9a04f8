import { type Dial, silentLogger, systemClock } from "@transporter/sdk";
import { dialHttp, dialSse } from "@transporter/sdk/http";
import { dialWebSocket } from "@transporter/sdk/websocket";
import { type FallbackOptions, withFallback } from "./fallback.ts";
import { type Env, refuseProxied } from "./proxy.ts";

/**
 * How agents dial, by URL scheme. A WebSocket that does not go through gives
 * way to long polls.
 *
 * Plain `ws` does not go through an HTTP proxy on Deno, and neither does NATS
 * over TCP, so that they are refused where one is set for the host.
 */
export function dials(
  env: Env,
  options: FallbackOptions = { clock: systemClock, log: silentLogger },
): Readonly<Record<string, Dial>> {
  /** Refuses hosts that only a proxy would reach. */
  function direct(dial: Dial): Dial {
    // deno-lint-ignore require-await -- a refusal must reject, not throw
    return async (url, options) => {
      refuseProxied(url, env);
      return dial(url, options);
    };
  }

  /** Loaded when it is asked for: most agents have no use for it. */
  const nats: Dial = async (url, options) => {
    const { dialNats } = await import("@transporter/sdk/nats");
    return await dialNats(url, options);
  };
  return {
    ws: direct(withFallback(dialWebSocket, dialHttp, options)),
    wss: withFallback(dialWebSocket, dialHttp, options),
    http: dialHttp,
    https: dialHttp,
    nats: direct(nats),
    tls: direct(nats),
    "nats+ws": direct(nats),
    "nats+wss": nats,
    "http+sse": dialSse,
    "https+sse": dialSse,
  };
}
