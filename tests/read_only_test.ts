import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { witnessEvent } from "./chaos/witness_agent.ts";
import { ofKind } from "./history/entry.ts";
import { readHistory } from "./history/lines.ts";
import { Program } from "./program.ts";
import { CpProcess, until, untilConnected, untilEnded } from "./system.ts";

const AGENT = new URL("chaos/agent.ts", import.meta.url).pathname;

/** A disk with a file system that goes read-only under open files, as it does when it finds itself damaged. */
interface FrailDisk extends AsyncDisposable {
  /** Where it is. */
  readonly path: string;
  /** From now on nothing can be written, whoever has what open. */
  turnReadOnly(): Promise<void>;
  /** It can be written again; nobody may have anything open. */
  mend(): Promise<void>;
}

async function run(command: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/**
 * Makes one in a folder. A tmpfs would not do: while a file is open there it
 * stays as it is. What is mended is a copy: a sandbox that was made meanwhile,
 * somewhere on the machine, has the damaged one mounted as long as it lasts.
 */
async function frailDisk(folder: string): Promise<FrailDisk> {
  const [image, path] = [join(folder, "image"), join(folder, "disk")];
  const mended = join(folder, "mended");
  await run("truncate", "--size=256M", image);
  await run("mkfs.ext4", "-q", "-F", image);
  await Deno.mkdir(path);
  await run("mount", "-o", "loop", image, path);
  return {
    path,
    turnReadOnly: () => run("mount", "-o", "remount,abort", path),
    async mend() {
      await run("umount", path);
      await run("cp", "--sparse=always", image, mended);
      await run("mount", "-o", "loop", mended, path);
    },
    [Symbol.asyncDispose]: () => run("umount", path),
  };
}

async function whyNot(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "it takes Linux";
  if (Deno.uid() !== 0) return "mounting a file takes root";
  const folder = await Deno.makeTempDir();
  try {
    await using _disk = await frailDisk(folder);
    return undefined;
  } catch (error) {
    return String(error).trim();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const why = await whyNot();
const skipped = why === undefined ? "" : ` (skipped as ${why})`;

/** An agent whose executor writes every start and every end into `witness` in a folder. */
function startAgent(cp: CpProcess, folder: string, dataDir: string): Program {
  return Program.start([
    ...["--agent-id", "edge-1", "--cp-url", cp.agentUrl],
    ...["--data-dir", dataDir, "--witness", join(folder, "witness")],
    ...["--process", "p"],
  ], { script: AGENT });
}

/** What is waited for while a program runs; throws with what that printed when it ends before. */
async function whileRunning<T>(program: Program, work: Promise<T>): Promise<T> {
  const ended = program.status().then(() => {
    throw new Error(`It has ended:\n${program.output}`);
  });
  ended.catch(() => {}); // in the end it does
  return await Promise.race([work, ended]);
}

/** What the executor wrote down, as `start ID ATTEMPT` and `end ID ATTEMPT`. */
async function witnessed(folder: string): Promise<string[]> {
  const entries = readHistory(await Deno.readTextFile(join(folder, "witness")));
  return [...ofKind(entries, "start"), ...ofKind(entries, "end")]
    .sort((a, b) => entries.indexOf(a) - entries.indexOf(b))
    .map(({ kind, event, attempt }) => `${kind} ${event} ${attempt}`);
}

async function untilWitnessed(folder: string, line: string): Promise<void> {
  await until(async () =>
    (await witnessed(folder)).includes(line) ? true : undefined
  );
}

/** Submits work for the agent, and returns the status, the code and Retry-After. */
async function submit(cp: CpProcess, id: string, ms = 0) {
  const answer = await fetch(`${cp.url}/v2/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...witnessEvent(id),
      target_agent: "edge-1",
      payload: { ms, repeatable: true },
    }),
  });
  const { code } = await answer.json();
  return [answer.status, code, answer.headers.has("retry-after")];
}

const ACCEPTED = [202, undefined, false];

async function states(cp: CpProcess): Promise<string[]> {
  const events = await untilEnded(cp.url);
  return events.map(({ spec, state }) => `${spec.id} ${state}`).sort();
}

Deno.test({
  name:
    `a control plane whose disk turns read-only says so, takes nothing, and has lost nothing once it is mended${skipped}`,
  ignore: why !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    {
      await using disk = await frailDisk(folder);
      // By another name, which is what is removed at the end: the disk may be read-only then.
      const dataDir = join(folder, "cp");
      await Deno.symlink(disk.path, dataDir);
      await using cp = await CpProcess.start({ dataDir });
      await using _agent = startAgent(cp, folder, join(folder, "agent"));
      await untilConnected(cp.url, "edge-1");
      deepStrictEqual(await submit(cp, "early"), ACCEPTED);
      await untilWitnessed(folder, "end early 1");
      deepStrictEqual(await submit(cp, "running", 1000), ACCEPTED);
      await untilWitnessed(folder, "start running 1");

      await disk.turnReadOnly();
      deepStrictEqual(await submit(cp, "refused"), [
        503,
        "store_unavailable",
        true,
      ]);
      const body = await until(async () => {
        const answer = await fetch(`${cp.url}/readyz`);
        const text = await answer.text();
        return answer.status === 503 ? text : undefined;
      });
      strictEqual(JSON.parse(body).code, "store_unavailable");
      const alive = await fetch(`${cp.url}/livez`);
      strictEqual(alive.status, 200, await alive.text());
      const shown = await fetch(`${cp.url}/v2/events/running`);
      strictEqual(shown.status, 200, await shown.text());
      await untilWitnessed(folder, "end running 1"); // it is told when there is somebody to tell

      await cp.crash();
      await disk.mend();
      await cp.restart();
      await untilConnected(cp.url, "edge-1");
      deepStrictEqual(await submit(cp, "last"), ACCEPTED);
      deepStrictEqual(await states(cp), [
        "early completed",
        "last completed",
        "running completed",
      ]);
      deepStrictEqual(
        (await witnessed(folder)).filter((line) => line.startsWith("start")),
        ["start early 1", "start running 1", "start last 1"],
      );
    }
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name:
    `an agent whose disk turns read-only starts nothing more, ends with a sentence, and goes on once it is mended${skipped}`,
  ignore: why !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    {
      await using disk = await frailDisk(folder);
      await using programs = new AsyncDisposableStack();
      const cp = programs.use(await CpProcess.start());
      const dataDir = join(disk.path, "data");
      const agent = programs.use(startAgent(cp, folder, dataDir));
      await untilConnected(cp.url, "edge-1");
      deepStrictEqual(await submit(cp, "early"), ACCEPTED);
      await untilEnded(cp.url);

      await disk.turnReadOnly();
      deepStrictEqual(await submit(cp, "late"), ACCEPTED);
      const ended = agent.status().then(({ code }) => `code ${code}`);
      const after = await until(() =>
        Promise.race([
          ended,
          witnessed(folder).then((lines) => lines[2]), // a start
        ])
      );
      strictEqual(after, "code 1");
      match(agent.output, /Cannot use the journal .+: Read-only file system/);
      deepStrictEqual(await witnessed(folder), [
        "start early 1",
        "end early 1",
      ]);

      await disk.mend();
      const next = programs.use(startAgent(cp, folder, dataDir));
      deepStrictEqual(await whileRunning(next, states(cp)), [
        "early completed",
        "late completed",
      ]);
      const starts = (await witnessed(folder)).filter((line) =>
        line.startsWith("start")
      );
      deepStrictEqual(starts, ["start early 1", "start late 1"]);
    }
    await Deno.remove(folder, { recursive: true });
  },
});
