/** What docs/protocol.md says is so: it has every close code. */
import { deepStrictEqual } from "node:assert/strict";
import { CLOSE_CODES } from "../sdk/wire.ts";
import { ROOT } from "./files.ts";

const PAGE = await Deno.readTextFile(`${ROOT}docs/protocol.md`);

Deno.test("docs/protocol.md: has every close code", () => {
  const rows = PAGE.matchAll(/^\| (\d{4}) +\| `(\w+)`/gm);
  deepStrictEqual(
    Object.fromEntries([...rows].map(([, code, name]) => [name, Number(code)])),
    CLOSE_CODES,
  );
});
