import {
  silentLogger,
  systemClock,
  systemRng,
  type Wire,
} from "@transporter/sdk";
import { dialNats, NatsAgents } from "@transporter/sdk/nats";
import type { WirePair } from "@transporter/sdk/testing";
import { TcpProxy } from "../tcp_proxy.ts";
import type { NatsServer } from "./server.ts";

/** The longest frame in these tests. */
export const FRAME_BYTES_MAX = 512 * 1024;

let tenants = 0;

/** A tenant that no other test has. */
export function newTenant(): string {
  return `t${++tenants}`;
}

/**
 * Connects two ends over a server, each through a proxy that can cut it; what
 * was opened for them ends with them.
 */
export async function openPair(server: NatsServer): Promise<WirePair> {
  const { hostname, port } = new URL(server.url);
  const proxy = await TcpProxy.open({ hostname, port: Number(port) });
  const url = new URL(`nats://127.0.0.1:${proxy.port}`);
  const tenant = newTenant();
  const served = Promise.withResolvers<void>();
  const accepted = Promise.withResolvers<Wire>();
  const agents = new NatsAgents({
    urls: [url],
    tenant,
    frameBytesMax: FRAME_BYTES_MAX,
    clock: systemClock,
    rng: systemRng,
    log: silentLogger,
    serve(wire) {
      accepted.resolve(wire);
      return served.promise;
    },
  });
  await agents.ready();
  const near = await dialNats(url, {
    tenant,
    agentId: "edge-7",
    signal: new AbortController().signal,
    frameBytesMax: FRAME_BYTES_MAX,
  });
  const far = await accepted.promise;
  let open = 2;
  function closing(wire: Wire, more: () => Promise<void>): Wire {
    let over: Promise<void> | undefined;
    async function end(): Promise<void> {
      await more();
      if (--open === 0) await proxy[Symbol.asyncDispose]();
    }
    return {
      frames: wire.frames,
      send: (frame) => wire.send(frame),
      async close(reason) {
        await wire.close(reason);
        await (over ??= end());
      },
    };
  }
  return [
    closing(near, () => Promise.resolve()),
    closing(far, () => {
      served.resolve();
      return agents[Symbol.asyncDispose]();
    }),
    () => proxy.fault = { kind: "reset" },
  ];
}
