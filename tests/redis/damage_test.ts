import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { join } from "node:path";
import { added, event, T } from "../../cp/store/testing/samples.ts";
import { type Place, startPlace } from "./store.ts";

const IDS = ["e1", "e2", "e3"];

/** A Redis with some events that was killed, and one byte of its AOF is another one: that before or at a text. */
async function damaged(
  text: string,
  { before }: { readonly before?: string } = {},
): Promise<{ readonly place: Place; readonly manifest: string }> {
  await using opened = new AsyncDisposableStack();
  const place = opened.use(await startPlace());
  {
    await using store = await place.open();
    for (const id of IDS) await added(store, T, event(id));
  }
  await place.redis.kill("SIGKILL");
  const folder = join(place.redis.dir, "appendonlydir");
  const files = (await Array.fromAsync(Deno.readDir(folder)))
    .map(({ name }) => name);
  const file = join(folder, files.find((name) => /incr/.test(name)) ?? "");
  const bytes = await Deno.readFile(file);
  const aof = new TextDecoder("latin1").decode(bytes);
  const found = aof.indexOf(text);
  const at = before === undefined ? found : aof.lastIndexOf(before, found);
  strictEqual(found > 0 && at > 0, true);
  bytes[at]! ^= 1;
  await Deno.writeFile(file, bytes);
  const manifest = files.find((name) => name.endsWith(".manifest")) ?? "";
  opened.move();
  return { place, manifest: join(folder, manifest) };
}

Deno.test("docs/redis.md: Redis does not start on an AOF whose order is damaged, and has what was written before that once it is cut", async () => {
  const { place, manifest } = await damaged("tp:event:default:e2", {
    before: "*",
  });
  await using _ = place;
  await rejects(place.redis.start());
  match(place.redis.output, /Bad file format reading the append only file/);
  const check = new Deno.Command("redis-check-aof", {
    args: ["--fix", manifest],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const yes = check.stdin.getWriter();
  await yes.write(new TextEncoder().encode("y\n"));
  await yes.close();
  strictEqual((await check.output()).success, true);
  await place.redis.start();
  const store = await place.open();
  // All that a step wrote is there, or nothing of it.
  const events = await store.listEvents(T, { limit: 9 });
  deepStrictEqual(events.map(({ spec }) => spec.id), ["e1"]);
  strictEqual((await store.listHistory(T, "e1")).length, 1);
  strictEqual((await added(store, T, event("e2"))).enq, 2);
});

Deno.test("docs/redis.md: what is damaged within a value is found when it is read, and said", async () => {
  const { place } = await damaged('{"revision":1');
  await using _ = place;
  await place.redis.start();
  const store = await place.open();
  await rejects(store.getEvent(T, "e1"), {
    message: 'Cannot read the event "e1" as what Redis keeps of it is damaged',
  });
  strictEqual((await store.getEvent(T, "e2"))?.spec.id, "e2");
});
