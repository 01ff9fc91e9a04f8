import { rejects, strictEqual } from "node:assert/strict";
import { smallDisk, whyNoDisk } from "./disk.ts";

const folder = await Deno.makeTempDir();
const why = await whyNoDisk(`${folder}/probe`);
await Deno.remove(folder, { recursive: true });

Deno.test({
  name: `smallDisk() can be full, read-only, and healed${
    why === undefined ? "" : ` (skipped as ${why})`
  }`,
  ignore: why !== undefined,
  async fn() {
    const path = await Deno.makeTempDir();
    {
      await using disk = await smallDisk(path);
      const file = `${path}/file`;
      const bytes = new Uint8Array(100_000);
      await Deno.writeFile(file, bytes);
      await disk.fill();
      await rejects(
        Deno.writeFile(file, bytes, { append: true }),
        /No space left on device/,
      );
      await disk.heal();
      await Deno.writeFile(file, bytes, { append: true });
      await disk.protect();
      await rejects(Deno.writeFile(file, bytes), /Read-only file system/);
      await disk.heal();
      await Deno.writeFile(file, bytes);
      strictEqual((await Deno.stat(file)).size, 100_000);
    }
    await Deno.remove(path);
  },
});
