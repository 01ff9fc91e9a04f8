import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { lockFolder, openFolder } from "./folder_lock.ts";

const PROGRAM = { program: "transporter cp" };

/** A folder that goes with the test. */
async function tempFolder(): Promise<
  AsyncDisposable & { readonly path: string }
> {
  const path = await Deno.makeTempDir({ prefix: "folder_lock_" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Another process that locks a folder, says so, and waits to be killed. */
async function holder(path: string) {
  const code = `
    import { lockFolder } from ${
    JSON.stringify(new URL("./folder_lock.ts", import.meta.url).href)
  };
    await lockFolder(${JSON.stringify(path)}, { program: "transporter agent" });
    console.log("locked");
    await new Promise((resolve) => setTimeout(resolve, 60_000));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  match(new TextDecoder().decode((await reader.read()).value), /locked/);
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
}

Deno.test("openFolder() makes what is missing, for the owner only", async () => {
  await using temp = await tempFolder();
  await openFolder(`${temp.path}/a/b`);
  const modes = [`${temp.path}/a`, `${temp.path}/a/b`].map((path) =>
    Deno.statSync(path).mode ?? 0
  );
  deepStrictEqual(modes.map((mode) => mode & 0o777), [0o700, 0o700]);
});

Deno.test("openFolder() leaves a folder that is there as it is", async () => {
  await using temp = await tempFolder();
  await Deno.chmod(temp.path, 0o750);
  await Deno.writeTextFile(`${temp.path}/file`, "kept");
  await openFolder(temp.path);
  strictEqual(((await Deno.stat(temp.path)).mode ?? 0) & 0o777, 0o750);
  strictEqual(await Deno.readTextFile(`${temp.path}/file`), "kept");
});

Deno.test("openFolder() refuses what is not a folder", async () => {
  await using temp = await tempFolder();
  await Deno.writeTextFile(`${temp.path}/file`, "");
  await rejects(openFolder(`${temp.path}/file`), {
    code: "store_unavailable",
    message:
      `Cannot use the data folder "${temp.path}/file": a file has its name`,
  });
  await rejects(openFolder(`${temp.path}/file/data`), {
    code: "store_unavailable",
  });
});

Deno.test("lockFolder() refuses a second lock, and names who has the first", async () => {
  await using temp = await tempFolder();
  await using _lock = await lockFolder(temp.path, PROGRAM);
  await rejects(lockFolder(temp.path, PROGRAM), {
    code: "folder_in_use",
    message:
      `Cannot use the data folder "${temp.path}" as transporter cp (process ${Deno.pid}) ` +
      "has it: stop that process, or name another folder",
  });
});

Deno.test("lockFolder() can be had again once disposed, which may be repeated", async () => {
  await using temp = await tempFolder();
  const first = await lockFolder(temp.path, PROGRAM);
  await first[Symbol.asyncDispose]();
  await using _second = await lockFolder(temp.path, PROGRAM);
  await first[Symbol.asyncDispose]();
  await rejects(lockFolder(temp.path, PROGRAM), { code: "folder_in_use" });
});

Deno.test("lockFolder() names another process, and outlives its kill -9", async () => {
  await using temp = await tempFolder();
  {
    await using other = await holder(temp.path);
    await rejects(lockFolder(temp.path, PROGRAM), (error: Error) => {
      ok(
        error.message.includes(
          `transporter agent (process ${other.pid}) has it`,
        ),
        error.message,
      );
      return true;
    });
  }
  await using _lock = await lockFolder(temp.path, PROGRAM);
});

Deno.test("lockFolder() says when the folder cannot be written to", async () => {
  await using temp = await tempFolder();
  await rejects(lockFolder(`${temp.path}/missing`, PROGRAM), {
    code: "store_unavailable",
  });
});

Deno.test("lockFolder() lets go at once also while this process starts programs, which share its files for a moment", async () => {
  const folder = await Deno.makeTempDir();
  let over = false;
  const starting = Promise.all(Array.from({ length: 4 }, async () => {
    while (!over) await new Deno.Command("true").output();
  }));
  try {
    for (let i = 0; i < 300; i++) {
      await using _lock = await lockFolder(folder, { program: "a test" });
    }
  } finally {
    over = true;
    await starting;
    await Deno.remove(folder, { recursive: true });
  }
});
