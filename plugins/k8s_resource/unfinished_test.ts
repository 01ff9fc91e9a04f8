import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { silentLogger } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { Unfinished } from "./unfinished.ts";

const ALL = () => true;

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const dir = await Deno.makeTempDir();
  return {
    path: `${dir}/unfinished.json`,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

function open(path: string | undefined, clock = new TestClock()) {
  return Unfinished.open({ path, clock, log: silentLogger });
}

Deno.test("Unfinished remembers in a file which later event has seen to an object", async () => {
  await using place = await folder();
  const first = await open(place.path);
  first.add("a", ["o", "__proto__"]);
  first.add("b", ["o"]);
  first.see("o", "a", (id) => id === "a"); // itself
  first.see("o", "c", (id) => id === "a");
  first.see("other", "c", ALL);
  await Promise.all([first.save(), first.save()]);
  const second = await open(place.path);
  deepStrictEqual(second.ids, ["a", "b"]);
  const later = ["a", "b", "c"].map((id) => second.later("o", id));
  deepStrictEqual(later, ["c", undefined, undefined]);
  second.add("a", ["o", "more"]); // its next attempt has failed, too
  strictEqual(second.later("o", "a"), "c");
  second.delete("a");
  await second.save();
  const third = await open(place.path);
  deepStrictEqual(third.ids, ["b"]);
});

Deno.test("Unfinished writes nothing while nothing fails", async () => {
  await using place = await folder();
  const unfinished = await open(place.path);
  unfinished.see("o", "a", ALL);
  unfinished.delete("a");
  unfinished.add("a", []);
  await unfinished.save();
  strictEqual((await open(place.path)).ids.length, 0);
  deepStrictEqual(await Array.fromAsync(Deno.readDir(dirOf(place.path))), []);
});

function dirOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

Deno.test("Unfinished forgets what is a day old, and the oldest of what is too much", async () => {
  const clock = new TestClock();
  const unfinished = await open(undefined, clock);
  unfinished.add("a", ["o"]);
  await clock.advance(24 * 3_600_000 + 1);
  const many = Array.from({ length: 19_999 }, (_, index) => `o${index}`);
  unfinished.add("b", ["o"]);
  deepStrictEqual(unfinished.ids, ["b"]);
  unfinished.add("c", many);
  deepStrictEqual(unfinished.ids, ["b", "c"]);
  unfinished.add("d", ["o"]);
  deepStrictEqual(unfinished.ids, ["c", "d"]);
});

Deno.test("Unfinished says what cannot be read or written, and goes on", async () => {
  await using place = await folder();
  await Deno.writeTextFile(place.path, "{");
  const lines: string[] = [];
  const log = { ...silentLogger, warn: (line: string) => lines.push(line) };
  const clock = new TestClock();
  const unfinished = await Unfinished.open({ path: place.path, clock, log });
  deepStrictEqual(unfinished.ids, []);
  await Deno.mkdir(`${place.path}.new`);
  unfinished.add("a", ["o"]);
  await unfinished.save();
  deepStrictEqual(lines, [
    "Cannot read which events were not finished",
    "Cannot note which events were not finished",
  ]);
});
