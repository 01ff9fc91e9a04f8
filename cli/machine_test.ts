import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { readText } from "./bytes.ts";
import { systemFiles, systemMachine } from "./machine.ts";

Deno.test("systemFiles reads what is on the disk", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/folder`);
    await Deno.writeTextFile(`${dir}/file.yaml`, "\ufeffa: ü\r\n");
    await Deno.symlink(`${dir}/folder`, `${dir}/link`);
    strictEqual(await systemFiles.kindOf(dir), "folder");
    strictEqual(await systemFiles.kindOf(`${dir}/link`), "folder");
    strictEqual(await systemFiles.kindOf(`${dir}/file.yaml`), "file");
    strictEqual(await systemFiles.kindOf(`${dir}/nope`), undefined);
    const entries = await systemFiles.list(dir);
    deepStrictEqual(
      entries.toSorted((a, b) => a.name < b.name ? -1 : 1),
      [
        { name: "file.yaml", isFolder: false },
        { name: "folder", isFolder: true },
        { name: "link", isFolder: false },
      ],
    );
    const options = { name: "it", bytesMax: 9 };
    strictEqual(
      await readText(await systemFiles.open(`${dir}/file.yaml`), {
        ...options,
        bytesMax: 11,
      }),
      "\ufeffa: ü\r\n",
    );
    await rejects(
      readText(await systemFiles.open(`${dir}/file.yaml`), options),
      {
        code: "too_large",
        message: "Cannot read it as it has more than 9 bytes",
      },
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("readText() puts characters together that are cut between chunks", async () => {
  const bytes = new TextEncoder().encode("日本");
  const stream = ReadableStream.from(
    [...bytes].map((byte) => new Uint8Array([byte])),
  );
  strictEqual(await readText(stream, { name: "it", bytesMax: 6 }), "日本");
});

Deno.test("readText() refuses a character that is cut at the end", async () => {
  const stream = ReadableStream.from([new Uint8Array([0xe6, 0x97])]);
  await rejects(readText(stream, { name: "it", bytesMax: 6 }), {
    code: "invalid_manifest",
  });
});

Deno.test("systemMachine() is this process", () => {
  const machine = systemMachine();
  strictEqual(machine.env["PATH"], Deno.env.get("PATH"));
  strictEqual(machine.stdout.isTerminal, Deno.stdout.isTerminal());
  if (!machine.stdout.isTerminal) {
    strictEqual(machine.stdout.columns, undefined);
  }
});

/** Runs a program that writes to standard output and standard error of the machine, with one of them on a full disk. */
async function writeToFull(redirect: string): Promise<string> {
  const module = new URL("./machine.ts", import.meta.url).href;
  const code = `import { systemMachine } from "${module}";
    const { stdout, stderr } = systemMachine();
    stderr.write("note;");
    try { stdout.write("result;"); } catch (error) { stderr.write(error.code + ": " + error.message); }`;
  const { success, stdout } = await new Deno.Command("sh", {
    args: ["-c", `exec "$0" eval "$1" ${redirect}`, Deno.execPath(), code],
    stderr: "null",
  }).output();
  strictEqual(success, true);
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "systemMachine() says that results do not fit on a full disk",
  ignore: Deno.build.os !== "linux", // elsewhere there is no /dev/full
  async fn() {
    strictEqual(
      await writeToFull("2>&1 >/dev/full"),
      "note;disk_full: Cannot write the result as the disk of standard output is full: make room, or write elsewhere",
    );
  },
});

Deno.test({
  name: "systemMachine() goes on without messages that do not fit",
  ignore: Deno.build.os !== "linux",
  async fn() {
    strictEqual(await writeToFull("2>/dev/full"), "result;");
  },
});
