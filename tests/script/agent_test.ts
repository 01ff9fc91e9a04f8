/** Scripts through the whole system: what is killed, what is shown, what is kept secret. */
import type { EventView, LogEntry, LogPage } from "@transporter/sdk";
import { isTerminal } from "@transporter/sdk";
import {
  deepStrictEqual,
  doesNotMatch,
  match,
  strictEqual,
} from "node:assert/strict";
import { canConfine } from "../../plugins/script/testing/bench.ts";
import {
  marker,
  processesWith,
} from "../../plugins/script/testing/processes.ts";
import { submit, until, untilConnected } from "../system.ts";
import { ScriptSystem } from "./testing.ts";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !canConfine, fn });
}

/** Sends a script. */
async function send(
  { cp }: ScriptSystem,
  payload: Readonly<Record<string, unknown>>,
): Promise<string> {
  const id = crypto.randomUUID();
  const event = { id, type: "script", target_agent: "edge-7", payload };
  return (await submit(cp.url, event)).event_id;
}

async function get<T>({ cp }: ScriptSystem, path: string): Promise<T> {
  return await (await fetch(`${cp.url}/v2/events/${path}`)).json();
}

async function logs(
  system: ScriptSystem,
  id: string,
): Promise<readonly LogEntry[]> {
  return (await get<LogPage>(system, `${id}/logs`)).items;
}

function textOf(entries: readonly LogEntry[], stream = "stdout"): string {
  return entries.filter((entry) => entry.stream === stream)
    .map(({ data }) => data).join("");
}

/** Waits until a script has written something. */
async function written(
  system: ScriptSystem,
  id: string,
  text: string,
): Promise<void> {
  await until(async () =>
    textOf(await logs(system, id)).includes(text) ? true : undefined
  );
}

/** Waits until an event has ended. */
async function ended(system: ScriptSystem, id: string): Promise<EventView> {
  return await until(async () => {
    const view = await get<EventView>(system, id);
    return isTerminal(view.state) ? view : undefined;
  });
}

test("a script ends when its agent is killed, and is never run again by itself", async () => {
  await using system = await ScriptSystem.start();
  const seconds = marker();
  const id = await send(system, {
    script: `echo begun; (setsid sleep ${seconds} &); sleep ${seconds}`,
  });
  await written(system, id, "begun");
  strictEqual((await processesWith(seconds)).length >= 2, true);
  await system.agent.crash();
  await until(async () =>
    (await processesWith(seconds)).length === 0 ? true : undefined
  );
  system.agent.restart();
  const { state, error, attempt } = await ended(system, id);
  deepStrictEqual([state, error?.code, attempt], ["failed", "interrupted", 1]);
  // It comes once more: the agent remembers.
  await system.agent.crash();
  system.agent.restart();
  await untilConnected(system.cp.url, "edge-7");
  strictEqual(
    (await ended(system, await send(system, { script: ":" }))).state,
    "completed",
  );
  strictEqual(textOf(await logs(system, id)), "begun\n");
});

test("a script goes on while its control plane is away, and is stopped when it is cancelled", async () => {
  await using system = await ScriptSystem.start();
  const seconds = marker();
  const id = await send(system, {
    script:
      `trap 'echo cleaned; exit 0' TERM; echo begun; sleep ${seconds} & wait`,
  });
  await written(system, id, "begun");
  await system.cp.crash();
  await system.cp.restart();
  await untilConnected(system.cp.url, "edge-7");
  strictEqual((await processesWith(seconds)).length, 1);
  const answer = await fetch(`${system.cp.url}/v2/events/${id}/cancel`, {
    method: "POST",
  });
  await answer.body?.cancel();
  strictEqual(answer.status, 202);
  strictEqual((await ended(system, id)).state, "cancelled");
  deepStrictEqual(await processesWith(seconds), []);
  await written(system, id, "cleaned");
  strictEqual(textOf(await logs(system, id)), "begun\ncleaned\n");
});

test("a script sees neither the environment nor the files of its agent", async () => {
  await using system = await ScriptSystem.start();
  const id = await send(system, {
    script:
      `cat /proc/[0-9]*/environ | tr '\\0' '\\n'; cat "$@" /proc/[0-9]*/cmdline; ls /proc/[0-9]*/root/tmp`,
    args: [`${system.agent.dataDir}/agent.journal`],
  });
  await ended(system, id);
  const entries = await logs(system, id);
  doesNotMatch(textOf(entries), /c4n4ry|AGENT_CANARY|main\.ts/);
  match(textOf(entries, "stderr"), /agent\.journal: No such file or directory/);
});

test("what a script writes does nothing to a terminal", async () => {
  await using system = await ScriptSystem.start();
  const id = await send(system, {
    script:
      `printf '\\033[2J\\033]0;title\\007one\\rtwo\\n\\302\\233\\342\\200\\256three\\000\\377\\n'
printf '\\033[31mlast\\007\\n' >&2; exit 1`,
  });
  const view = await ended(system, id);
  await written(system, id, "three");
  strictEqual(view.error?.code, "failed");
  for (
    const args of [["logs", id], ["describe", "event", id], [
      "get",
      "event",
      id,
    ]]
  ) {
    const { stdout, stderr } = await system.transporter(args);
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    doesNotMatch(stdout + stderr, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
  }
  const { stdout } = await system.transporter(["logs", id]);
  match(stdout, /\\u001b\[2J.*one\\rtwo\n.*three/);
});

test("a secret is nowhere in what a script leads to", async () => {
  await using system = await ScriptSystem.start();
  const secret = "c4n4ry-of-a-secret";
  const id = await send(system, {
    script:
      `echo "all: $TOKEN."; printf %s "\${TOKEN%secret}"; sleep 0.3; echo secret
echo "$TOKEN" >&2; echo "$MORE"; echo "error: $TOKEN" >&2; exit 1`,
    env: {
      TOKEN: { secret },
      MORE: { secret: "first line of it\nsecond line of it\n" },
    },
  });
  const view = await ended(system, id);
  strictEqual(
    view.error?.message,
    'The script ended with exit code 1, and said "error: [redacted]"',
  );
  await written(system, id, "all");
  const entries = await logs(system, id);
  const { spec: _, ...rest } = view;
  const history = await get(system, `${id}/history`);
  const everything = JSON.stringify([rest, entries, history]) +
    system.agent.program.output + system.cp.program.output;
  doesNotMatch(everything, /c4n4ry-of-a|second line of it/);
  match(textOf(entries), /^all: \[redacted\]\.\n\[redacted\]\n\[redacted\]/);
});
