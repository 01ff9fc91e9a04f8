import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setImmediate, setTimeout } from "node:timers/promises";
import { afterInput, Turns } from "./turns.ts";

/** Uses up the time of a turn. */
function work(): void {
  const until = performance.now() + 10;
  while (performance.now() < until);
}

Deno.test("Turns gives timers their turn between pieces of work that wait for nothing", async () => {
  using turns = new Turns();
  let timers = 0;
  let over = false;
  const ticking = (async () => {
    while (!over) {
      await setTimeout(1);
      timers++;
    }
  })();
  const seen = await Promise.all(
    Array.from({ length: 5 }, () =>
      turns.run(() => {
        work();
        return Promise.resolve(timers);
      })),
  );
  over = true;
  await ticking;
  strictEqual(new Set(seen).size, 5);
});

Deno.test("Turns begins short pieces of work at once and in their order, and hands on how they end", async () => {
  using turns = new Turns();
  const order: number[] = [];
  const running = [1, 2, 3].map((piece) =>
    turns.run(() => Promise.resolve(order.push(piece)))
  );
  deepStrictEqual(order, [1, 2, 3]);
  deepStrictEqual(await Promise.all(running), [1, 2, 3]);
  await rejects(
    turns.run(() => Promise.reject(new Error("no"))),
    /^Error: no$/,
  );
});

Deno.test("Turns begins all that waits when it is disposed of, and then everything at once", async () => {
  const turns = new Turns();
  const order: number[] = [];
  const running = [1, 2, 3].map((piece) =>
    turns.run(() => {
      work();
      return order.push(piece);
    })
  );
  deepStrictEqual(order, [1]);
  turns[Symbol.dispose]();
  deepStrictEqual(order, [1, 2, 3]);
  running.push(turns.run(() => order.push(4)));
  deepStrictEqual(order, [1, 2, 3, 4]);
  deepStrictEqual(await Promise.all(running), [1, 2, 3, 4]);
});

/** In how many turns work is done of which two and a half pieces fit into a turn. */
async function turnsOf(pieces: number, rivals: () => number): Promise<number> {
  using turns = new Turns(rivals);
  let turn = 0;
  const seen = await Promise.all(
    Array.from({ length: pieces }, () =>
      turns.run(() => {
        const until = performance.now() + 1.6;
        while (performance.now() < until);
        // All microtasks of a turn come before the next one.
        queueMicrotask(() => turn++);
        return turn;
      })),
  );
  return new Set(seen).size;
}

Deno.test("Turns leaves turns to rivals that have work, too", async () => {
  const pieces = 12;
  let done = 0;
  for (let tries = 0; tries < 50; tries++) {
    const alone = await turnsOf(pieces, () => 0);
    const besides = await turnsOf(pieces, () => ++done);
    // A machine that has other work may let no turn have two pieces.
    if (besides > alone && alone < pieces) return;
  }
  ok(false, "Rivals have no more turns than nobody");
});

Deno.test("afterInput() has what comes meanwhile heard before each next piece of too much work", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port ?? 0 : 0;
  const opened = once(server, "connection");
  const client = connect(port, "127.0.0.1");
  const [[socket]] = await Promise.all([opened, once(client, "connect")]);
  const over = Promise.withResolvers<void>();
  let pieces = 0;
  function piece(): void {
    work();
    // Each writes, as answers do: that alone makes the runtime go round once more.
    client.write("a");
    if (++pieces < 20) {
      afterInput(piece, { ms: pieces % 2 === 0 ? 0 : 3, left: true });
    } else over.resolve();
  }
  let heard = 0;
  socket.on("data", () => heard++);
  piece();
  await over.promise;
  ok(heard >= 10, `heard ${heard} times while 20 pieces were done`);
  const closed = Promise.all([once(client, "close"), once(server, "close")]);
  client.destroy();
  socket.destroy();
  server.close();
  await closed;
});

Deno.test("afterInput() does long work by itself, and nothing that was called off", async () => {
  const order: string[] = [];
  let rounds = 0;
  let over = false;
  const going = (async () => {
    while (!over) {
      await setImmediate();
      rounds++;
    }
  })();
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen: number[] = [];
  function add(name: string, long: boolean): () => void {
    return afterInput(() => {
      order.push(name);
      seen.push(rounds);
      if (order.length === 3) resolve();
    }, { long, left: true });
  }
  add("long", true);
  add("one", false);
  const callOff = add("never", false);
  add("two", false);
  callOff();
  await promise;
  over = true;
  await going;
  deepStrictEqual(order, ["long", "one", "two"]);
  ok((seen[1] ?? 0) > (seen[0] ?? 0), "others come after another look");
  strictEqual(seen[1], seen[2]);
});
