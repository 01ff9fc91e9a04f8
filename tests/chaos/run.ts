import { TransporterError } from "@transporter/sdk";
import { join } from "node:path";
import { judge } from "../history/judge.ts";
import { readHistory } from "../history/lines.ts";
import { toldAll } from "../history/told.ts";
import { assemble, type Cast, draw, type Play } from "./cast.ts";
import { delay } from "./delay.ts";
import { calmEvents, type PlannedEvent } from "./events.ts";
import type { ChaosOptions } from "./options.ts";
import { Producer } from "./producer.ts";
import type { Outcome } from "./report.ts";
import { connected, inTime, lookAtAll, settled } from "./settle.ts";
import { storm } from "./storm.ts";

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
  const path = { folder, history: join(folder, "history.jsonl") };
  await using cast = await assemble(options, path);
  const { world, agents, scribe } = cast;
  await world.start();
  if (!await connected(world.url, agents, signal)) {
    signal.throwIfAborted();
    throw new TransporterError(
      "unavailable",
      `Cannot begin as the agents do not connect: see "${folder}/logs"`,
    );
  }
  const play = draw(options, cast);
  await act(cast, play, ports);
  const calm = await beCalm(cast, play, signal);
  signal.throwIfAborted();
  const { producer: { accepted, refused }, reader: { told } } = play;
  const all = [...accepted, ...calm];
  await cast.results.wait(all.map(({ facts }) => facts.event), signal);
  scribe.write({ kind: "mark", at: Date.now(), what: "settled" });
  await lookAtAll(play.direct, { accepted: all, told, scribe });
  await world.stop();
  scribe.add(await world.witnessed());
  progress("judging");
  const history = readHistory(await Deno.readTextFile(path.history));
  return {
    options,
    history,
    verdict: judge(history, toldAll),
    problems: [...world.problems, ...refused.map((why) => `refused: ${why}`)],
    skipped: world.noDisks === undefined
      ? []
      : [`disk_full and read_only, as ${world.noDisks}`],
    path: path.history,
  };
}

/** Submits, reads and does harm at the same time, until all of it is over and everything has ended. */
async function act(
  { world, scribe }: Cast,
  play: Play,
  { progress, signal }: RunPorts,
): Promise<void> {
  const { producer, reader, direct, faults, startedAt } = play;
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  const watching = Promise.all([
    reader.run(over.signal),
    tell(play, progress, over.signal),
  ]);
  const producing = producer.run(over.signal);
  await storm({ world, faults, startedAt, scribe, signal: over.signal });
  scribe.write({ kind: "mark", at: Date.now(), what: "healed" });
  progress("healed: everything has to end now");
  await inTime(producing);
  await settled(direct, over.signal);
  over.abort();
  signal.removeEventListener("abort", stop);
  await Promise.all([watching, producing]);
}

/**
 * When all is well again, a small event for each agent has to be done at once.
 *
 * @returns Those that were accepted.
 */
async function beCalm(
  { world, scribe, agents, random }: Cast,
  { direct }: Play,
  signal: AbortSignal,
): Promise<readonly PlannedEvent[]> {
  // One that does not come back at all is found by its event, which never starts.
  await connected(world.url, agents, signal);
  const startedAt = Date.now();
  scribe.write({ kind: "mark", at: startedAt, what: "calm" });
  const events = calmEvents(agents);
  const { url } = world;
  const producer = new Producer({ url, events, startedAt, random, scribe });
  const given = new AbortController();
  const producing = producer.run(AbortSignal.any([signal, given.signal]));
  await inTime(producing);
  given.abort();
  await producing;
  await settled(direct, signal);
  return producer.accepted;
}

async function tell(
  { producer, faults, startedAt }: Play,
  progress: RunPorts["progress"],
  signal: AbortSignal,
): Promise<void> {
  while (true) {
    await delay(PROGRESS_MS, signal);
    if (signal.aborted) return;
    const ms = Date.now() - startedAt;
    const struck = faults.filter(({ atMs }) => atMs <= ms).length;
    const { length } = producer.accepted;
    progress(
      `${
        Math.round(ms / 1000)
      } s: ${length} events accepted, ${struck} of ${faults.length} faults`,
    );
  }
}
