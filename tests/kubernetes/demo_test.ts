import { match, strictEqual } from "node:assert/strict";
import { canConfine } from "../../plugins/script/testing/bench.ts";
import { blocksOf } from "../page.ts";
import { Program } from "../program.ts";

const README = new URL("../../README.md", import.meta.url);

/** What of a line differs from run to run: folders, ids, numbers, and how wide a number makes a column. */
const VARYING =
  /\/\S*-[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\dA-Z]{26}|\d[\d.:TZ-]*|m?s\b| +/g;

function shapeOf(line: string): string {
  return line.replaceAll(VARYING, (part) => part.startsWith(" ") ? " " : "");
}

/** The lines that the README says the demo prints. */
async function promised(): Promise<string[]> {
  const page = await Deno.readTextFile(README);
  const block = blocksOf(page).find(({ text }) => text.startsWith("cluster "));
  const lines = block?.text.split("\n") ?? [];
  return lines.filter((line) => line !== "" && line !== "…");
}

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
    const printed = new Set(output.split("\n").map(shapeOf));
    const lines = await promised();
    const own = canConfine
      ? lines
      : lines.slice(0, lines.findIndex((line) => /send script/.test(line)));
    const missing = own.filter((line) => !printed.has(shapeOf(line)));
    strictEqual(missing.join("\n"), "", output);
    strictEqual(own.length > 15, true, "the README shows what the demo prints");
    strictEqual((await Array.fromAsync(Deno.readDir(dir))).length, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
