import { deepStrictEqual, notDeepStrictEqual } from "node:assert/strict";
import { inventoryDigest } from "./inventory.ts";

Deno.test("inventoryDigest() is the SHA-256 of sorted lines", () => {
  const open = [{ event_id: "b", attempt: 1 }, { event_id: "a", attempt: 12 }];
  // printf 'a 12\nb 1\n' | sha256sum
  deepStrictEqual(inventoryDigest(open), {
    count: 2,
    sha256:
      "sha256:9f5e119ee949c7ca0d326a59f101ad4f1413fe22584af0733ac185218b9d392e",
  });
  deepStrictEqual(inventoryDigest(open.toReversed()), inventoryDigest(open));
});

Deno.test("inventoryDigest() of nothing is the SHA-256 of nothing", () => {
  deepStrictEqual(inventoryDigest([]), {
    count: 0,
    sha256:
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  });
});

Deno.test("inventoryDigest() tells another attempt", () => {
  notDeepStrictEqual(
    inventoryDigest([{ event_id: "a", attempt: 1 }]),
    inventoryDigest([{ event_id: "a", attempt: 2 }]),
  );
});
