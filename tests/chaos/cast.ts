import { Random } from "../sim/random.ts";
import { BROKER } from "./broker.ts";
import { REDIS } from "./redis.ts";
import { planEvents } from "./events.ts";
import type { PlannedFault, ProcessFaultKind } from "./fault.ts";
import type { ChaosOptions } from "./options.ts";
import { plan } from "./plan.ts";
import { Producer } from "./producer.ts";
import { RESULTS, Results, SECRET } from "./results.ts";
import { Reader } from "./reader.ts";
import { Scribe } from "./scribe.ts";
import { World } from "./world.ts";

/** Who acts in a run, on what, and what is going to happen. */
export interface Cast extends AsyncDisposable {
  /** The names of the agents. */
  readonly agents: readonly string[];
  /** The processes and the links. */
  readonly world: World;
  /** Where everything is written down. */
  readonly scribe: Scribe;
  /** Who is told how events end. */
  readonly results: Results;
  /** Draws what is left to draw. */
  readonly random: Random;
}

/** What happens in a run, once everything runs. */
export interface Play {
  /** When it starts, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Who submits, through a link. */
  readonly producer: Producer;
  /** Who looks, through a link. */
  readonly reader: Reader;
  /** Who looks past every link. */
  readonly direct: Reader;
  /** The harm that is done. */
  readonly faults: readonly PlannedFault[];
}

/** Makes the processes and the links; nothing is started. */
export async function assemble(
  { agents: count, seed, script, wire, replicas, store }: ChaosOptions,
  path: { readonly folder: string; readonly history: string },
): Promise<Cast> {
  const random = new Random(`chaos ${seed}`);
  const agents = Array.from({ length: count }, (_, i) => `a${i + 1}`);
  await using stack = new AsyncDisposableStack();
  const scribe = stack.use(new Scribe(path.history));
  const { folder } = path;
  const results = stack.use(new Results(scribe, random.fork(RESULTS)));
  const secret = `${folder}/${RESULTS}.secret`;
  await Deno.writeTextFile(secret, `${SECRET}\n`);
  const network = random.fork("network");
  const world = stack.use(
    await World.open({
      ...{ folder, agents, script, wire, replicas, store, scribe },
      random: network,
      results: { port: results.port, secret },
    }),
  );
  const held = stack.move();
  return {
    agents,
    world,
    scribe,
    results,
    random,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Draws everything that is going to happen from now on. */
export function draw(
  { runMs, everyMs, events: count }: ChaosOptions,
  { agents, world, scribe, random }: Cast,
): Play {
  const startedAt = Date.now();
  const [first = "", ...others] = agents;
  const events = planEvents({
    random: random.fork("events"),
    count,
    runMs,
    agents: [first, ...others],
  });
  const producer = new Producer({
    url: world.through("producer"),
    events,
    startedAt,
    random: random.fork("producer"),
    scribe,
    broker: world.ingest,
  });
  const reading = {
    events: producer.accepted,
    random: random.fork("reader"),
    scribe,
  };
  const faults = plan({
    random: random.fork("faults"),
    runMs,
    everyMs,
    processes: possible(world),
    links: Object.keys(world.links),
  });
  const reader = new Reader({ url: world.through("reader"), ...reading });
  const direct = new Reader({ url: world.url, ...reading });
  return { startedAt, producer, reader, direct, faults };
}

/** What can be done to each process. */
function possible(world: World): Record<string, ProcessFaultKind[]> {
  return Object.fromEntries(
    Object.entries(world.victims).map(([name, { disk, offsetFile }]) => [name, [
      ...["kill9", "kill9", "term", "pause"] as const,
      ...name === BROKER || name === REDIS ? [] : ["few_files"] as const,
      ...name === REDIS ? ["sleep"] as const : [],
      ...disk === undefined ? [] : ["disk_full", "read_only"] as const,
      ...offsetFile === undefined ? [] : ["clock"] as const,
    ]]),
  );
}
