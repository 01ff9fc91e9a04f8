import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { Disk } from "./disk.ts";
import { Random } from "./random.ts";

function open(seed: number): Disk {
  const disk = new Disk(new Random(`disk ${seed}`));
  disk.write(Uint8Array.of(1, 2), 0);
  disk.sync();
  return disk;
}

/** What is found on many disks to which the same was done. */
function outcomes(work: (disk: Disk) => void): string[] {
  const found = new Set<string>();
  for (let seed = 1; seed <= 100; seed++) {
    const disk = open(seed);
    work(disk);
    found.add(disk.read().join(" "));
  }
  return [...found].sort();
}

Deno.test("Disk has what was written after the death of a process, synced or not", () => {
  deepStrictEqual(
    outcomes((disk) => disk.write(Uint8Array.of(3, 4), 2)),
    ["1 2 3 4"],
  );
});

Deno.test("Disk has a beginning of what was not synced after a loss of power, or its length", () => {
  deepStrictEqual(
    outcomes((disk) => {
      disk.write(Uint8Array.of(3, 4), 2);
      disk.losePower();
    }),
    ["1 2", "1 2 0 0", "1 2 3", "1 2 3 0", "1 2 3 4"],
  );
});

Deno.test("Disk keeps what was synced through a loss of power", () => {
  deepStrictEqual(
    outcomes((disk) => {
      disk.write(Uint8Array.of(3, 4), 2);
      disk.sync();
      disk.losePower();
    }),
    ["1 2 3 4"],
  );
});

Deno.test("Disk has the old file or the new one when power is lost before the folder is synced", () => {
  deepStrictEqual(
    outcomes((disk) => {
      disk.rename(Uint8Array.of(9));
      disk.losePower();
    }),
    ["1 2", "9"],
  );
});

Deno.test("Disk drops what was torn before it writes in its place", () => {
  const disk = open(1);
  disk.write(Uint8Array.of(9), 1);
  deepStrictEqual([...disk.read()], [1, 9]);
});

Deno.test("Disk that is full takes what was set aside, and says so beyond it", () => {
  const disk = open(1);
  strictEqual(disk.reserve(true), true);
  disk.fill(true);
  throws(() => disk.write(Uint8Array.of(3, 4), 2), { code: "disk_full" });
  strictEqual(disk.reserve(false), false);
  disk.write(Uint8Array.of(3, 4), 2);
  strictEqual(disk.reserve(true), false);
  throws(() => disk.write(new Uint8Array(64 * 1024), 4), { code: "disk_full" });
  disk.fill(false);
  strictEqual(disk.reserve(true), true);
});
