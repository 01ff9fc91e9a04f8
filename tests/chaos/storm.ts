import type { TcpFault } from "../tcp_fault.ts";
import { delay } from "./delay.ts";
import type { PlannedFault, ProcessFault } from "./fault.ts";
import { sleepRedis } from "./redis.ts";
import type { Scribe } from "./scribe.ts";
import type { Victim, World } from "./world.ts";

/** Options of {@linkcode storm}. */
export interface StormOptions {
  /** What everything happens to. */
  readonly world: World;
  /** What happens. */
  readonly faults: readonly PlannedFault[];
  /** When the run started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Where every fault is written down. */
  readonly scribe: Scribe;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** File descriptors of a process that has few: the runtime itself takes a third of them. */
const FEW_FILES = 64;

/** Connections that knock at the door of a listener that has few file descriptors. */
const KNOCKS = 80;

/** Milliseconds after the end of a fault in which what it did to a process may still make it end. */
const AFTERMATH_MS = 8000;

/** Does to each process and link what is planned for it, and undoes it; what is done to one does not wait for the others. */
export async function storm(options: StormOptions): Promise<void> {
  const { world, faults, startedAt, scribe, signal } = options;
  const targets = Map.groupBy(faults, ({ target }) => target);
  const all = [...targets].map(async ([target, planned]) => {
    for (const { atMs, ms, fault } of planned) {
      await delay(startedAt + atMs - Date.now(), signal);
      if (signal.aborted) return;
      scribe.write({ kind: "fault", at: Date.now(), what: fault.kind, target });
      const heal = await strike(world, target, { fault, ms });
      await delay(startedAt + atMs + ms - Date.now(), signal);
      await heal();
    }
  });
  await Promise.all(all);
}

/** Undoes a fault. */
type Heal = () => Promise<void> | void;

function strike(
  world: World,
  target: string,
  { fault, ms }: Pick<PlannedFault, "fault" | "ms">,
): Promise<Heal> {
  const link = world.links[target];
  if (link !== undefined) {
    link.fault = fault as TcpFault;
    return Promise.resolve(() => {
      link.fault = undefined;
    });
  }
  const victim = world.victims[target];
  if (victim === undefined) {
    throw new Error(`Cannot do anything to "${target}" as it does not exist`);
  }
  return befall(world, victim, { fault: fault as ProcessFault, ms });
}

async function befall(
  world: World,
  victim: Victim,
  { fault, ms }: { readonly fault: ProcessFault; readonly ms: number },
): Promise<Heal> {
  const { subject, disk, offsetFile } = victim;
  switch (fault.kind) {
    case "kill9":
      await subject.kill();
      return () => subject.up();
    case "term":
      if (!await subject.term()) world.hung(subject.name);
      return () => subject.up();
    case "pause":
      subject.signal("SIGSTOP");
      return () => subject.signal("SIGCONT");
    case "few_files":
      return await fewFiles(world, victim);
    case "disk_full": {
      // An agent ends when its journal cannot be written; a control plane has to stay.
      const over = offsetFile === undefined ? () => {} : excuse(victim);
      await disk?.fill();
      return async () => {
        await disk?.heal();
        over();
      };
    }
    case "read_only": {
      const over = excuse(victim);
      await subject.kill();
      await disk?.protect();
      subject.up();
      return async () => {
        await subject.kill();
        await disk?.heal();
        subject.up();
        over();
      };
    }
    case "sleep": {
      const asleep = sleepRedis(subject, ms).catch((error: Error) => {
        world.problems.push(`not done: ${error.message}`);
      });
      return () => asleep;
    }
    case "clock":
      await setClock(victim, fault.offsetMs);
      return () => setClock(victim, 0);
  }
}

/** Lets a process end by itself, until a little after what is done to it. */
function excuse(victim: Victim): () => void {
  victim.mayEndUntil = Infinity;
  return () => {
    victim.mayEndUntil = Date.now() + AFTERMATH_MS;
  };
}

async function fewFiles(world: World, victim: Victim): Promise<Heal> {
  const { subject, port } = victim;
  await subject.kill();
  subject.up(["prlimit", `--nofile=${FEW_FILES}:${FEW_FILES}`]);
  const knocking = new AbortController();
  const knocked = port === undefined
    ? Promise.resolve()
    : knock(port, knocking.signal);
  return async () => {
    knocking.abort();
    await knocked;
    if (!await subject.term()) world.hung(subject.name);
    subject.up();
  };
}

/** Holds many connections open, on which nothing is said. */
async function knock(port: number, signal: AbortSignal): Promise<void> {
  const conns: Deno.Conn[] = [];
  while (!signal.aborted) {
    try {
      while (conns.length < KNOCKS) {
        conns.push(await Deno.connect({ hostname: "127.0.0.1", port }));
      }
    } catch {
      // Nobody listens yet, or it is full: both are what this is for.
    }
    await delay(200, signal);
  }
  for (const conn of conns) conn.close();
}

/** Sets the clock of an agent, which looks into the file all the time. */
async function setClock(
  { offsetFile }: Victim,
  offsetMs: number,
): Promise<void> {
  if (offsetFile === undefined) return;
  await Deno.writeTextFile(`${offsetFile}.new`, String(offsetMs));
  await Deno.rename(`${offsetFile}.new`, offsetFile);
}
