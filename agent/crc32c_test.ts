import { strictEqual } from "node:assert/strict";
import { crc32c } from "./crc32c.ts";

const CASES: Readonly<
  Record<string, readonly [bytes: Uint8Array, crc: number]>
> = {
  "32 zeros": [new Uint8Array(32), 0x8a9136aa],
  "32 ones": [new Uint8Array(32).fill(0xff), 0x62a8ab43],
  "an ascending sequence": [
    Uint8Array.from({ length: 32 }, (_, i) => i),
    0x46dd794e,
  ],
  "123456789": [new TextEncoder().encode("123456789"), 0xe3069283],
  "nothing": [new Uint8Array(), 0],
};

for (const [name, [bytes, crc]] of Object.entries(CASES)) {
  Deno.test(`crc32c() agrees with RFC 3720 on ${name}`, () => {
    strictEqual(crc32c(bytes), crc);
  });
}
