import { strictEqual } from "node:assert/strict";
import { VERSION } from "./version.ts";

for (const member of ["sdk", "cp", "agent", "plugins", "cli"]) {
  Deno.test(`VERSION is that of ${member}/deno.json`, async () => {
    const file = new URL(`../${member}/deno.json`, import.meta.url);
    strictEqual(JSON.parse(await Deno.readTextFile(file)).version, VERSION);
  });
}
