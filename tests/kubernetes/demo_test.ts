import { match, strictEqual } from "node:assert/strict";
import { canConfine } from "../../plugins/script/testing/bench.ts";
import { Program } from "../program.ts";

Deno.test("demo --once ends with the objects read back from a cluster of its own, and leaves nothing", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await using program = Program.start(
      ["demo", "--once", "--listen", "127.0.0.1:0"],
      { env: { TMPDIR: dir } },
    );
    const { code } = await program.status();
    const { output } = program;
    strictEqual(code, 0, output);
    match(output, /^cluster +a Kubernetes v\S+ of its own /m);
    for (const phase of ["applying", "verifying", "completed"]) {
      match(output, new RegExp(`^ +\\+\\S+ +${phase} +\\S`, "m"));
    }
    const [readBack = "", script] =
      output.split("Read back from the cluster:\n")[1]?.split("\n\n$ ") ?? [];
    if (canConfine) {
      match(script ?? "", /\nHello from Linux[^]*\nevent\/\S+ completed in /);
    } else match(output, /\nNo script is run: Cannot run scripts /);
    const objects = readBack.trimEnd().split("\n");
    strictEqual(objects.length, 6, output);
    for (const line of objects) {
      match(line, /^ {2}\S+ +uid [0-9a-f-]{36}, resourceVersion \d+, created /);
    }
    strictEqual((await Array.fromAsync(Deno.readDir(dir))).length, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
