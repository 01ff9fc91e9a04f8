import { join } from "node:path";
import { judge } from "../history/judge.ts";
import { readHistory } from "../history/lines.ts";
import { Random } from "../sim/random.ts";
import { delay } from "./delay.ts";
import { planEvents } from "./events.ts";
import type { PlannedFault, ProcessFaultKind } from "./fault.ts";
import type { ChaosOptions } from "./options.ts";
import { plan } from "./plan.ts";
import { Producer } from "./producer.ts";
import { Reader } from "./reader.ts";
import type { Outcome } from "./report.ts";
import { Scribe } from "./scribe.ts";
import { connected, lookAtAll, settled } from "./settle.ts";
import { storm } from "./storm.ts";
import { CONTROL_PLANE, World } from "./world.ts";

/** What else a run needs. */
export interface RunPorts {
  /** An empty folder for the history, the logs and what the processes keep. */
  readonly folder: string;
  /** For whoever waits. */
  readonly progress: (line: string) => void;
  /** Breaks it off. */
  readonly signal: AbortSignal;
}

/** Milliseconds between two lines of progress. */
const PROGRESS_MS = 10_000;

/** Who acts in a run, and on what. */
interface Cast {
  readonly world: World;
  readonly producer: Producer;
  readonly reader: Reader;
  /** One that no link stands between. */
  readonly direct: Reader;
  readonly faults: readonly PlannedFault[];
  readonly scribe: Scribe;
  readonly startedAt: number;
}

/**
 * One run: starts everything, submits, does harm, heals, waits until all has
 * ended, and judges what was seen.
 *
 * @param options What to do, and for how long.
 * @param ports Where, and who hears of it.
 */
export async function run(
  options: ChaosOptions,
  ports: RunPorts,
): Promise<Outcome> {
  const { folder, progress, signal } = ports;
  const random = new Random(`chaos ${options.seed}`);
  const agents = names(options.agents);
  using scribe = new Scribe(join(folder, "history.jsonl"));
  await using world = await World.open({
    folder,
    agents,
    script: options.script,
    random: random.fork("network"),
    scribe,
  });
  await world.start();
  await connected(world.url, agents, signal);
  const cast = assemble(options, { random, agents, world, scribe });
  await act(cast, ports);
  signal.throwIfAborted();
  const { accepted, refused } = cast.producer;
  const { told } = cast.reader;
  scribe.write({ kind: "mark", at: Date.now(), what: "settled" });
  await lookAtAll(cast.direct, { accepted, told, scribe });
  await world.stop();
  scribe.add(await world.witnessed());
  progress("judging");
  const history = readHistory(await Deno.readTextFile(scribe.path));
  return {
    options,
    history,
    verdict: judge(history),
    problems: [...world.problems, ...refused.map((why) => `refused: ${why}`)],
    skipped: world.noDisks === undefined
      ? []
      : [`disk_full and read_only, as ${world.noDisks}`],
    path: scribe.path,
  };
}

function names(count: number): readonly [string, ...string[]] {
  const others = Array.from({ length: count - 1 }, (_, i) => `a${i + 2}`);
  return ["a1", ...others];
}

/** Draws what is going to happen, and who does it. */
function assemble(
  { runMs, everyMs, events }: ChaosOptions,
  { random, agents, world, scribe }: {
    readonly random: Random;
    readonly agents: readonly [string, ...string[]];
    readonly world: World;
    readonly scribe: Scribe;
  },
): Cast {
  const startedAt = Date.now();
  const producer = new Producer({
    url: world.through("producer"),
    events: planEvents({
      random: random.fork("events"),
      count: events,
      runMs,
      agents,
    }),
    startedAt,
    random: random.fork("producer"),
    scribe,
  });
  const reading = { events: producer.accepted, random: random.fork("reader") };
  const reader = new Reader({
    url: world.through("reader"),
    ...reading,
    scribe,
  });
  const direct = new Reader({ url: world.url, ...reading, scribe });
  const faults = plan({
    random: random.fork("faults"),
    runMs,
    everyMs,
    processes: possible(world),
    links: Object.keys(world.links),
  });
  return { world, producer, reader, direct, faults, scribe, startedAt };
}

/** What can be done to each process. */
function possible(world: World): Record<string, ProcessFaultKind[]> {
  return Object.fromEntries(
    Object.entries(world.victims).map(([name, { disk }]) => [name, [
      ...["kill9", "kill9", "term", "pause", "few_files"] as const,
      ...disk === undefined ? [] : ["disk_full", "read_only"] as const,
      ...name === CONTROL_PLANE ? [] : ["clock"] as const,
    ]]),
  );
}

/** Submits, reads and does harm at the same time, until all of it is over and everything has ended. */
async function act(cast: Cast, { progress, signal }: RunPorts): Promise<void> {
  const { world, producer, reader, faults, scribe, startedAt } = cast;
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  const watching = Promise.all([
    reader.run(over.signal),
    tell(cast, { progress, signal: over.signal }),
  ]);
  const producing = producer.run(over.signal);
  await storm({ world, faults, startedAt, scribe, signal: over.signal });
  scribe.write({ kind: "mark", at: Date.now(), what: "healed" });
  progress("healed: everything has to end now");
  await producing;
  await settled(cast.direct, over.signal);
  over.abort();
  signal.removeEventListener("abort", stop);
  await watching;
}

async function tell(
  { producer, faults, startedAt }: Cast,
  { progress, signal }: Pick<RunPorts, "progress" | "signal">,
): Promise<void> {
  while (true) {
    await delay(PROGRESS_MS, signal);
    if (signal.aborted) return;
    const ms = Date.now() - startedAt;
    const struck = faults.filter(({ atMs }) => atMs <= ms).length;
    progress(
      `${
        Math.round(ms / 1000)
      } s: ${producer.accepted.length} events accepted, ${struck} of ${faults.length} faults`,
    );
  }
}
