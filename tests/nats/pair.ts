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

/** Two ends, and ways to cut each off from the server. */
export interface Ends {
  /** The agent's. */
  readonly near: Wire;
  /** The control plane's. */
  readonly far: Wire;
  /** Resets the agent's connection. */
  readonly cutNear: () => void;
  /** Resets the control plane's. */
  readonly cutFar: () => void;
}

/** Connects a pair over a server, as the suite wants it. */
export async function openPair(server: NatsServer): Promise<WirePair> {
  const { near, far, cutNear, cutFar } = await openEnds(server, newTenant());
  function cut() {
    cutNear();
    cutFar();
  }
  return [near, far, cut];
}

/**
 * Connects two ends over a server, each through a proxy that can cut it; what
 * was opened for them ends with them.
 */
export async function openEnds(
  server: NatsServer,
  tenant: string,
): Promise<Ends> {
  const { hostname, port } = new URL(server.url);
  const proxies = await Promise.all(
    ["near", "far"].map(() => TcpProxy.open({ hostname, port: Number(port) })),
  );
  const [nearUrl, farUrl] = proxies.map((proxy) =>
    new URL(`nats://127.0.0.1:${proxy.port}`)
  ) as [URL, URL];
  const cut = (index: number) => () => {
    const proxy = proxies[index];
    if (proxy !== undefined) proxy.fault = { kind: "reset" };
  };
  const served = Promise.withResolvers<void>();
  const accepted = Promise.withResolvers<Wire>();
  const agents = new NatsAgents({
    urls: [farUrl],
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
  const near = await dialNats(nearUrl, {
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
      if (--open > 0) return;
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
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
  return {
    near: closing(near, () => Promise.resolve()),
    far: closing(far, () => {
      served.resolve();
      return agents[Symbol.asyncDispose]();
    }),
    cutNear: cut(0),
    cutFar: cut(1),
  };
}
