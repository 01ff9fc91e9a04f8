import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { Disk } from "./disk.ts";
import { Random } from "./random.ts";

function open(seed: number): Disk {
  const disk = new Disk(new Random(`disk ${seed}`));
  disk.write(Uint8Array.of(1, 2));
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
    outcomes((disk) => disk.write(Uint8Array.of(3, 4))),
    ["1 2 3 4"],
  );
});

Deno.test("Disk has a beginning of what was not synced after a loss of power, or its length", () => {
  deepStrictEqual(
    outcomes((disk) => {
      disk.write(Uint8Array.of(3, 4));
      disk.losePower();
    }),
    ["1 2", "1 2 0 0", "1 2 3", "1 2 3 0", "1 2 3 4"],
  );
});

Deno.test("Disk keeps what was synced through a loss of power", () => {
  deepStrictEqual(
    outcomes((disk) => {
      disk.write(Uint8Array.of(3, 4));
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

Deno.test("Disk that is full takes a part, and says so", () => {
  const disk = open(1);
  disk.state.full = true;
  throws(() => disk.write(Uint8Array.of(3, 4)), { code: "store_unavailable" });
  strictEqual(disk.read().length < 4, true);
});
