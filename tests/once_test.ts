/** `agent --once`, as a cron job or a CI job runs it: real processes, a real control plane. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ROOT } from "./files.ts";
import { freePort } from "./free_port.ts";
import { blocksOf } from "./page.ts";
import { Program } from "./program.ts";
import { CpProcess, dialUrl, listEvents, submit, until } from "./system.ts";

const PLUGIN = new URL("once/work.ts", import.meta.url).pathname;
const AGENT = "edge-7";

/** A control plane, and the folder of an agent that is not there all the time. */
class Place implements AsyncDisposable {
  readonly cp: CpProcess;
  readonly dir: string;
  /** Where the plugin notes its starts. */
  readonly witness: string;

  static async open(): Promise<Place> {
    const dir = await Deno.makeTempDir({ prefix: "transporter-once-" });
    await Deno.writeTextFile(`${dir}/witness`, "");
    return new Place(await CpProcess.start(), dir);
  }

  constructor(cp: CpProcess, dir: string) {
    this.cp = cp;
    this.dir = dir;
    this.witness = `${dir}/witness`;
  }

  /** Starts the agent. */
  once(...flags: readonly string[]): Program {
    return startOnce(this.dir, this.cp.agentUrl, flags);
  }

  /** Sends an event for the agent, of which nobody need have heard yet. */
  async send(
    id: string,
    payload: Readonly<Record<string, unknown>> = {},
    rest: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await submit(this.cp.url, {
      id,
      type: "work",
      target_agent: AGENT,
      ttl: "1h",
      payload: { witness: this.witness, ...payload },
      ...rest,
    });
  }

  /** Every event: its id, and where it is. */
  async states(): Promise<Record<string, string>> {
    const events = await listEvents(this.cp.url);
    return Object.fromEntries(
      events.map(({ spec, state }) => [spec.id, state] as const).sort(),
    );
  }

  /** Attempts that were started, in order. */
  async starts(): Promise<string[]> {
    const text = await Deno.readTextFile(this.witness);
    return text.split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cp[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

function startOnce(
  dir: string,
  cpUrl: string,
  flags: readonly string[],
): Program {
  return Program.start([
    ...["agent", "--once", "--agent-id", AGENT, "--cp-url", cpUrl],
    ...["--data-dir", `${dir}/data`, "--plugin-in-process", PLUGIN, ...flags],
  ], { env: { KUBERNETES_SERVICE_HOST: "" } });
}

/** Waits for the end of a program, which is to have this exit code. */
async function ends(program: Program, code: number): Promise<string> {
  strictEqual((await program.status()).code, code, program.output);
  return program.output;
}

/** A place whose control plane has met the agent: `/v2` takes events for it then. */
async function met(): Promise<Place> {
  const place = await Place.open();
  await using first = place.once();
  await ends(first, 0);
  return place;
}

Deno.test("agent --once: ends with 0 when nothing waits", async () => {
  await using place = await Place.open();
  await using agent = place.once();
  match(await ends(agent, 0), /"message":"Nothing waits any more"/);
  const known = await fetch(`${place.cp.url}/v2/agents/${AGENT}`);
  strictEqual((await known.json()).connected, false);
});

for (const wire of ["poll", "sse"] as const) {
  Deno.test(`agent --once: ends over HTTP (${wire}), too`, async () => {
    await using place = await met();
    await place.send("e1");
    await using agent = startOnce(place.dir, dialUrl(place.cp.url, wire), []);
    await ends(agent, 0);
    deepStrictEqual(await place.states(), { e1: "completed" });
  });
}

Deno.test("docs/once.md: its command line runs what waits", async () => {
  await using place = await met();
  await place.send("e1");
  const page = await Deno.readTextFile(`${ROOT}docs/once.md`);
  const [block] = blocksOf(page);
  const given: Readonly<Record<string, readonly string[]>> = {
    "--cp-url": ["--cp-url", place.cp.agentUrl],
    "--data-dir": ["--data-dir", `${place.dir}/data`],
    "--kubeconfig": ["--plugin-in-process", PLUGIN], // the event needs no cluster
  };
  const [program, ...words] = (block?.text ?? "").trim().split(" ");
  strictEqual(program, "transporter");
  const args = words.flatMap((word, i) =>
    given[word] ?? (given[words[i - 1] ?? ""] === undefined ? [word] : [])
  );
  await using agent = Program.start(args, {
    env: { KUBERNETES_SERVICE_HOST: "" },
  });
  await ends(agent, 0);
  deepStrictEqual(await place.states(), { e1: "completed" });
});

Deno.test("agent --once: runs all that waits, also more than its window, and those that fail", async () => {
  await using place = await met();
  const ids = Array.from({ length: 200 }, (_, i) => `e${1000 + i}`);
  const fail = { code: "failed", times: 1 };
  await Promise.all(
    // "failed" is not tried again.
    ids.map((id) => place.send(id, id === "e1100" ? { fail } : {})),
  );
  await using agent = place.once();
  await ends(agent, 0);
  const states = await place.states();
  deepStrictEqual(
    states,
    Object.fromEntries(
      ids.map((id) => [id, id === "e1100" ? "failed" : "completed"]),
    ),
  );
  deepStrictEqual((await place.starts()).sort(), ids.map((id) => `${id} 1`));
});

Deno.test("agent --once: waits for another attempt, and for what is due within a minute; the rest is for a later run", async () => {
  await using place = await met();
  const fail = { code: "unavailable", times: 1 };
  await place.send("again", { fail }, { retry: { on: ["unavailable"] } });
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  await place.send("soon", {}, { not_before: at(4000) });
  await place.send("later", {}, { not_before: at(30 * 60_000) });
  await using agent = place.once();
  match(await ends(agent, 0), /left to a later run/);
  deepStrictEqual(await place.states(), {
    again: "completed",
    later: "queued",
    soon: "completed",
  });
  ok((await place.starts()).includes("again 2"));
});

Deno.test("agent --once: goes on after a kill, and tells what became of what was begun", async () => {
  await using place = await met();
  for (let i = 0; i < 60; i++) await place.send(`e${100 + i}`, { ms: 100 });
  await place.send("long", { ms: 2000 }, { priority: 9 });
  {
    await using agent = place.once();
    await until(async () =>
      (await place.starts()).length > 30 ? true : undefined
    );
    agent.kill("SIGKILL");
    await agent.status();
  }
  await using agent = place.once();
  await ends(agent, 0);
  const states = await place.states();
  deepStrictEqual([...new Set(Object.values(states))], ["completed"]);
  const starts = await place.starts();
  strictEqual(new Set(starts).size, starts.length, "no attempt is made twice");
  ok(starts.includes("long 2"), "what was cut off was made again");
});

Deno.test("agent --once: a control plane that is away is waited for as long as it is told, then it ends with 3", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const url = `ws://127.0.0.1:${freePort()}/ws`;
    await using agent = startOnce(dir, url, ["--once-timeout", "2s"]);
    const output = await ends(agent, 3);
    match(
      output,
      /^error\[unavailable\]: Cannot run what waits for agent "edge-7" as the control plane was not to be reached for 2s, see --once-timeout: .+$/m,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("agent --once: ends with 3 and the cause when its cluster is away, and the event waits", async () => {
  await using place = await Place.open();
  const away = new URL("../program/testdata/away.yaml", import.meta.url);
  const flags = ["--kubeconfig", away.pathname, "--once-timeout", "1s"];
  {
    await using agent = place.once(...flags);
    await ends(agent, 0); // nothing waits, so it needs no cluster
  }
  const manifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
  const payload = { manifests: [manifest] };
  await place.send("e1", {}, { type: "k8s_resource", payload });
  await using agent = place.once(...flags);
  match(
    await ends(agent, 3),
    /^error\[cluster_unavailable\]: Cannot run what waits .* nothing came of what waits for 1s.*does not answer/m,
  );
  deepStrictEqual(await place.states(), { e1: "queued" });
});

Deno.test("agent --once: an end that nobody took is told by the next run, and nothing is done twice", async () => {
  await using place = await met();
  await place.send("e1", { ms: 1500 });
  {
    await using agent = place.once("--once-timeout", "1s");
    await until(async () => (await place.starts())[0]);
    await place.cp.crash();
    await ends(agent, 3);
  }
  await place.cp.restart();
  await using agent = place.once();
  await ends(agent, 0);
  deepStrictEqual(await place.states(), { e1: "completed" });
  deepStrictEqual(await place.starts(), ["e1 1"]);
});

Deno.test("agent --once: ends with 4 when it is paused, and 2 when it is told what it cannot use", async () => {
  await using place = await met();
  await place.send("e1");
  const url = `${place.cp.url}/v2/agents/${AGENT}`;
  await (await fetch(`${url}/pause`, { method: "POST" })).body?.cancel();
  {
    await using agent = place.once();
    match(await ends(agent, 4), /error\[denied\]: .* is paused.* resume agent/);
  }
  await (await fetch(`${url}/resume`, { method: "POST" })).body?.cancel();
  await using agent = place.once();
  await ends(agent, 0);
  deepStrictEqual(await place.states(), { e1: "completed" });

  await using wrong = Program.start([
    ...["agent", "--agent-id", AGENT, "--once-timeout", "5s"],
    ...["--data-dir", `${place.dir}/data`, "--plugin-in-process", PLUGIN],
  ], { env: { KUBERNETES_SERVICE_HOST: "" } });
  match(await ends(wrong, 2), /--once-timeout .* --once/);
});

Deno.test("agent --once: SIGTERM lets what runs finish, and the exit code says that not all was run", async () => {
  await using place = await met();
  for (const id of ["e1", "e2", "e3"]) await place.send(id, { ms: 1000 });
  {
    await using agent = place.once("--concurrency", "1");
    await until(async () => (await place.starts())[0]);
    agent.kill("SIGTERM");
    match(await ends(agent, 1), /error\[cancelled\]: Stopped before/);
  }
  strictEqual((await place.states())["e1"], "completed");
  strictEqual((await place.starts()).length, 1);
  await using agent = place.once();
  await ends(agent, 0);
  deepStrictEqual([...new Set(Object.values(await place.states()))], [
    "completed",
  ]);
});

Deno.test("agent --once: does not wait for standing work, which goes on later", async () => {
  await using place = await met();
  await place.send("check", { stands: true });
  await place.send("e1");
  {
    await using agent = place.once();
    match(await ends(agent, 0), /"standing":1/);
  }
  deepStrictEqual(await place.states(), {
    check: "in_progress",
    e1: "completed",
  });
  await using again = place.once();
  await ends(again, 0);
  deepStrictEqual((await place.starts()).sort(), ["check 1", "e1 1"]);
});
