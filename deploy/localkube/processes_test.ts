import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { Processes, tail } from "./processes.ts";

async function gone(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

/** Whether a process runs; one that has ended and waits for its parent does not. */
async function runs(pid: number): Promise<boolean> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("Processes.start() logs to a file and hides the environment", async () => {
  const processes = await Processes.open();
  try {
    await processes.start("speaker", [
      "/bin/sh",
      "-c",
      'echo "home ${HOME:-none}"; echo wrong >&2; echo yes >done; sleep 60',
    ]);
    await processes.until(
      async () => !await gone(join(processes.dir, "done")),
      undefined,
    );
    strictEqual(await processes.log("speaker"), "home none\nwrong");
  } finally {
    await processes.stop();
  }
});

Deno.test("Processes.start() adds to the environment what it is given", async () => {
  const processes = await Processes.open();
  try {
    const { ended } = await processes.start("speaker", [
      "/bin/sh",
      "-c",
      'echo "$PATH $COLOUR"; pwd; exit 7',
    ], { cwd: "/", env: { COLOUR: "blue" } });
    strictEqual(await ended, 7);
    strictEqual(
      await processes.log("speaker"),
      `${Deno.env.get("PATH")} blue\n/`,
    );
  } finally {
    await processes.stop();
  }
});

Deno.test("Processes.until() throws no_cluster with the log of what ended", async () => {
  const processes = await Processes.open();
  try {
    await processes.start("healthy", ["/bin/sh", "-c", "sleep 60"]);
    await processes.start("broken", [
      "/bin/sh",
      "-c",
      "echo disk is full >&2; exit 3",
    ]);
    await rejects(
      processes.until(() => Promise.resolve(false), undefined),
      {
        code: "no_cluster",
        message: /broken ended with code 3, its log ends with: disk is full$/,
      },
    );
  } finally {
    await processes.stop();
  }
});

Deno.test("Processes.until() names a program that is not there", async () => {
  const processes = await Processes.open();
  try {
    await processes.start("etcd", ["/nowhere/etcd"]);
    await rejects(
      processes.until(() => Promise.resolve(false), undefined),
      { code: "no_cluster", message: /etcd ended with code 127.*\/nowhere/s },
    );
  } finally {
    await processes.stop();
  }
});

Deno.test("Processes.until() ends when its signal does", async () => {
  const processes = await Processes.open();
  try {
    await rejects(
      processes.until(() => Promise.resolve(false), AbortSignal.abort()),
      { name: "AbortError" },
    );
  } finally {
    await processes.stop();
  }
});

Deno.test("Processes.end() ends one, which is then not missed", async () => {
  const processes = await Processes.open();
  try {
    const one = await processes.start("one", ["/bin/sh", "-c", "sleep 60"]);
    const two = await processes.start("two", ["/bin/sh", "-c", "sleep 60"]);
    await processes.end(one);
    strictEqual(await runs(one.pid), false);
    strictEqual(await runs(two.pid), true);
    let looks = 0;
    await processes.until(() => Promise.resolve(++looks > 2), undefined);
  } finally {
    await processes.stop();
  }
});

Deno.test("Processes.stop() leaves no process and no folder", async () => {
  const processes = await Processes.open();
  const parent = await processes.start("parent", [
    "/bin/sh",
    "-c",
    "sleep 60 & echo $! >child; mv child ready; wait",
  ]);
  const ready = join(processes.dir, "ready");
  await processes.until(async () => !await gone(ready), undefined);
  const child = Number(await Deno.readTextFile(ready));
  strictEqual(await runs(child), true);
  await processes.stop();
  strictEqual(await runs(parent.pid), false);
  // A child of a child has ended some moment after it was killed.
  while (await runs(child)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  strictEqual(await gone(processes.dir), true);
});

Deno.test("Processes leaves nothing when its program is killed", async () => {
  const program = `
    import { Processes } from ${
    JSON.stringify(new URL("processes.ts", import.meta.url).href)
  };
    const processes = await Processes.open();
    const { pid } = await processes.start("parent", [
      "/bin/sh", "-c", "sleep 60 & echo $! >child; mv child ready; wait",
    ]);
    const ready = processes.dir + "/ready";
    await processes.until(() => Deno.stat(ready).then(() => true, () => false));
    const child = Number(await Deno.readTextFile(ready));
    console.log(JSON.stringify({ pids: [pid, child], dir: processes.dir }));
    await new Promise(() => setInterval(() => {}, 1000));
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", program],
    cwd: new URL("../..", import.meta.url),
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const { pids, dir } = JSON.parse(new TextDecoder().decode(value)) as {
    readonly pids: readonly number[];
    readonly dir: string;
  };
  for (const pid of pids) strictEqual(await runs(pid), true);
  strictEqual(await gone(dir), false);

  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  for (const pid of pids) {
    while (await runs(pid)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  while (!await gone(dir)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

Deno.test("tail() gives the last lines of a long file", async () => {
  const path = await Deno.makeTempFile();
  try {
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
    await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
    strictEqual(await tail(path, 2), "line 19998\nline 19999");
    ok((await tail(path, 100_000)).length <= 64 * 1024);
    match(await tail(path, 1), /^line 19999$/);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("tail() is empty for a file that is not there", async () => {
  strictEqual(await tail("/nowhere/at/all.log", 5), "");
});
