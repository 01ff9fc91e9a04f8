import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { TcpFault } from "./tcp_fault.ts";
import { TcpProxy } from "./tcp_proxy.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A server whose connections the test holds, and a proxy before it. */
class Bench implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #conns: Deno.Conn[] = [];
  readonly proxy: TcpProxy;

  static async open(): Promise<Bench> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { hostname, port } = listener.addr;
    return new Bench(listener, await TcpProxy.open({ hostname, port }));
  }

  constructor(listener: Deno.TcpListener, proxy: TcpProxy) {
    this.#listener = listener;
    this.proxy = proxy;
  }

  /** A connection as its client has it. */
  async dial(): Promise<Deno.TcpConn> {
    const conn = await Deno.connect({
      hostname: "127.0.0.1",
      port: this.proxy.port,
    });
    this.#conns.push(conn);
    return conn;
  }

  /** Both ends of a connection. */
  async pair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
    const [near, far] = await Promise.all([
      this.dial(),
      this.#listener.accept(),
    ]);
    this.#conns.push(far);
    return [near, far];
  }

  /** Stops listening, as a process that died. */
  stop(): void {
    this.#listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const conn of this.#conns) conn.close();
    try {
      this.#listener.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // stopped
    }
    await this.proxy[Symbol.asyncDispose]();
  }
}

/** Reads so many bytes, or less at the end. */
async function read(conn: Deno.Conn, count: number): Promise<string> {
  const bytes = new Uint8Array(count);
  let length = 0;
  while (length < count) {
    const more = await conn.read(bytes.subarray(length));
    if (more === null) break;
    length += more;
  }
  return decoder.decode(bytes.subarray(0, length));
}

async function write(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

/** How long something takes, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

Deno.test("TcpProxy passes on what comes, both ways, and the end of each way by itself", async () => {
  await using bench = await Bench.open();
  const [near, far] = await bench.pair();
  const text = "x".repeat(300_000);
  const [, got] = await Promise.all([write(near, text), read(far, 300_000)]);
  strictEqual(got, text);
  await near.closeWrite();
  strictEqual(await read(far, 1), "");
  await write(far, "late");
  strictEqual(await read(near, 4), "late");
  await far.closeWrite();
  strictEqual(await read(near, 1), "");
});

Deno.test("TcpProxy resets a client whose server does not listen any more", async () => {
  await using bench = await Bench.open();
  bench.stop();
  const near = await bench.dial();
  await rejects(read(near, 1), Deno.errors.ConnectionReset);
});

const SLOW: readonly [TcpFault, number][] = [
  [{ kind: "latency", ms: 60, jitterMs: 10 }, 60],
  [{ kind: "bandwidth", bytesPerSecond: 1000 }, 80], // 100 bytes, 20 at a time
  [{ kind: "slicer", bytes: 10, gapMs: 8 }, 72], // 10 pieces
];
for (const [fault, atLeastMs] of SLOW) {
  Deno.test(`TcpProxy with the fault ${fault.kind} is slow, and loses nothing`, async () => {
    await using bench = await Bench.open();
    const [near, far] = await bench.pair();
    bench.proxy.fault = fault;
    const text = Array.from({ length: 100 }, (_, i) => i % 10).join("");
    const ms = await timed(async () => {
      await write(near, text);
      strictEqual(await read(far, 100), text);
    });
    ok(ms >= atLeastMs - 2, `took ${ms} ms`);
    bench.proxy.fault = undefined;
    await write(far, "y");
    strictEqual(await read(near, 1), "y");
  });
}

Deno.test("TcpProxy with the fault limit_data ends a connection after so many bytes", async () => {
  await using bench = await Bench.open();
  const [near, far] = await bench.pair();
  bench.proxy.fault = { kind: "limit_data", bytes: 5 };
  await write(near, "abcdefgh");
  strictEqual(await read(far, 8), "abcde");
  strictEqual(await read(near, 1), "");
});

Deno.test("TcpProxy with the fault black_hole holds bytes and ends back until it is over", async () => {
  await using bench = await Bench.open();
  const [near, far] = await bench.pair();
  bench.proxy.fault = { kind: "black_hole" };
  await write(near, "held");
  await near.closeWrite();
  let arrived = false;
  const reading = read(far, 5).finally(() => arrived = true);
  const [newNear, newFar] = await bench.pair();
  await write(newFar, "held, too");
  strictEqual(arrived, false);
  bench.proxy.fault = undefined;
  strictEqual(await reading, "held");
  strictEqual(await read(newNear, 9), "held, too");
});

Deno.test("TcpProxy with the fault forget silences open connections for ever, and not new ones", async () => {
  await using bench = await Bench.open();
  const [near, far] = await bench.pair();
  bench.proxy.fault = { kind: "forget" };
  bench.proxy.fault = undefined;
  await write(near, "lost");
  let arrived = false;
  read(far, 1).catch(() => {}).finally(() => arrived = true);
  const [newNear, newFar] = await bench.pair();
  await write(newNear, "new");
  strictEqual(await read(newFar, 3), "new");
  strictEqual(arrived, false);
});

Deno.test("TcpProxy with the fault slow_close passes ends on late", async () => {
  await using bench = await Bench.open();
  const [near, far] = await bench.pair();
  bench.proxy.fault = { kind: "slow_close", ms: 60 };
  const ms = await timed(async () => {
    await near.closeWrite();
    strictEqual(await read(far, 1), "");
  });
  ok(ms >= 58, `took ${ms} ms`);
});

Deno.test("TcpProxy with the fault reset resets both ends, and whoever comes", async () => {
  await using bench = await Bench.open();
  const [near, far] = await bench.pair();
  await write(near, "x");
  strictEqual(await read(far, 1), "x");
  bench.proxy.fault = { kind: "reset" };
  await rejects(read(near, 1), Deno.errors.ConnectionReset);
  await rejects(read(far, 1), Deno.errors.ConnectionReset);
  await rejects(
    async () => await read(await bench.dial(), 1),
    Deno.errors.ConnectionReset,
  );
});

Deno.test("TcpProxy with the fault half_close ends the way to the server alone", async () => {
  await using bench = await Bench.open();
  const [near, far] = await bench.pair();
  bench.proxy.fault = { kind: "half_close" };
  strictEqual(await read(far, 1), "");
  await write(far, "still");
  strictEqual(await read(near, 5), "still");
});

Deno.test("TcpProxy with the fault accept_silence takes new connections that stay silent when it is over", async () => {
  await using bench = await Bench.open();
  const [near] = await bench.pair();
  bench.proxy.fault = { kind: "accept_silence" };
  await rejects(read(near, 1), Deno.errors.ConnectionReset);
  const silent = await bench.dial();
  bench.proxy.fault = undefined;
  await write(silent, "hello?");
  let answered = false;
  read(silent, 1).catch(() => {}).finally(() => answered = true);
  const [newNear, newFar] = await bench.pair();
  await write(newNear, "new");
  strictEqual(await read(newFar, 3), "new");
  deepStrictEqual([answered, bench.proxy.connections], [false, 2]);
});
