import { doesNotThrow, strictEqual, throws } from "node:assert/strict";
import { Reserve, RESERVE_BYTES } from "./sqlite_reserve.ts";
import { tempFolder } from "./testing/folder.ts";

Deno.test("Reserve takes room for the owner only, and leaves it to the next process", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/x.reserve`;
  for (let i = 0; i < 2; i++) {
    const reserve = new Reserve(folder.path, "x.reserve");
    doesNotThrow(() => reserve.check());
    await reserve[Symbol.asyncDispose]();
    const { size, mode } = await Deno.stat(path);
    strictEqual(size, RESERVE_BYTES);
    strictEqual((mode ?? 0) & 0o777, 0o600);
  }
});

Deno.test("Reserve.make() gives the room, once, and refuses until it is back", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/x.reserve`;
  await using reserve = new Reserve(folder.path, "x.reserve");
  while (await sizeOf(path) < RESERVE_BYTES) await turn();
  strictEqual(reserve.make(), true);
  strictEqual(await sizeOf(path), 0);
  throws(() => reserve.check(), { code: "disk_full", retryable: true });
  strictEqual(reserve.make(), false);
  // It looks again by itself.
  while (await sizeOf(path) < RESERVE_BYTES) await turn();
  for (;;) {
    try {
      reserve.check();
      break;
    } catch {
      await turn();
    }
  }
});

Deno.test("Reserve.make() while the room is being taken stays full until it is back", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/x.reserve`;
  const reserve = new Reserve(folder.path, "x.reserve");
  while (await sizeOf(path) === 0) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  strictEqual(reserve.make(), true);
  await reserve[Symbol.asyncDispose](); // what was being taken has ended
  throws(() => reserve.check(), { code: "disk_full" });
});

Deno.test("Reserve.take() knows at once that there is no room", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/x.reserve`); // in its place, so that it cannot be taken
  await using reserve = await Reserve.take(folder.path, "x.reserve");
  throws(() => reserve.check(), { code: "disk_full" });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

async function sizeOf(path: string): Promise<number> {
  return (await Deno.stat(path).catch(() => ({ size: 0 }))).size;
}
