import { type Dial, TransporterError } from "@transporter/sdk";
import { dialHttp } from "@transporter/sdk/http";
import { dialWebSocket } from "@transporter/sdk/websocket";

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
 * How agents dial, by URL scheme.
 *
 * Plain `ws` does not go through an HTTP proxy on Deno (decisions.md 33), so
 * that it is refused where one is set for the host.
 */
export function dials(
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, Dial>> {
  const proxy = env["HTTP_PROXY"] || env["http_proxy"];
  const noProxy = env["NO_PROXY"] || env["no_proxy"] || "";
  // deno-lint-ignore require-await -- a refusal must reject, not throw
  const plain: Dial = async (url, options) => {
    if (proxy && !isDirect(url.hostname, noProxy)) {
      throw new TransporterError(
        "usage",
        `Cannot dial "${url}" as a plain WebSocket does not go through the proxy in HTTP_PROXY: ` +
          `use wss, or add "${url.hostname}" to NO_PROXY`,
      );
    }
    return dialWebSocket(url, options);
  };
  return {
    ws: plain,
    wss: dialWebSocket,
    http: dialHttp,
    https: dialHttp,
  };
}
