import { TransporterError } from "@transporter/sdk";
import { parseArgs } from "node:util";
import { WIRE_NAMES, type WireName } from "../system.ts";

/** What may carry the frames of agents. */
export type ChaosWire = WireName | "nats";

const WIRES: readonly ChaosWire[] = [...WIRE_NAMES, "nats"];

/** What a run is to be. */
export interface ChaosOptions {
  /** How long there is trouble, in milliseconds. */
  readonly runMs: number;
  /** What decides everything that is drawn. */
  readonly seed: number;
  /** How many events are submitted. */
  readonly events: number;
  /** How many agents there are. */
  readonly agents: number;
  /** How often something is done to each process and link, on average, in milliseconds. */
  readonly everyMs: number;
  /** What carries the frames of agents. */
  readonly wire: ChaosWire;
  /** How many control planes there are: one on SQLite, or two on a Redis. */
  readonly replicas: 1 | 2;
  /** Where they keep events. */
  readonly store: "sqlite" | "redis";
  /** The control plane's program instead of `main.ts` from source. */
  readonly script: string | undefined;
  /** Where the history and the logs are kept; made if it is not there. */
  readonly folder: string | undefined;
  /** How the outcome is printed. */
  readonly output: "table" | "json";
}

/** What `--help` prints. */
export const USAGE =
  `deno task chaos [--minutes M] [--seed S]: real processes, real faults, and a judge

Starts a control plane and agents as processes of their own, with every link
through a proxy that does what networks do; submits events; kills, stops,
starves and cuts; heals everything; and judges what was seen from outside.
Exits with 1 when a guarantee was broken.

  --minutes M      how long there is trouble (default 10)
  --seed S         a whole number that decides all faults and events (default: drawn, and printed)
  --events N       how many events are submitted (default 2000 a minute)
  --agents N       how many agents there are (default 5)
  --wire NAME      what carries the frames of agents: ${
    WIRES.join(", ")
  } (default ws)
  --replicas N     1: a control plane (default); 2: two on one Redis
  --store S        sqlite (default of one), or redis, to which harm is done, too
  --every SECONDS  how often something is done to each process and link, on average (default 10)
  --script FILE    the control plane's program, such as dist/transporter.js (default: main.ts)
  --folder FOLDER  where the history and the logs are kept (default: a new one, kept if something broke)
  -o, --output F   table or json (default table)
  -h, --help       this text

Needs prlimit (util-linux). Full and read-only disks take root, and are left out without it.
`;

const EVENTS_A_MINUTE = 2000;

/**
 * Reads the command line.
 *
 * @param args The arguments.
 * @param random Draws the seed when none is given: from 0 (included) to 1 (not included).
 * @returns The options; `undefined` when help is asked for.
 * @throws {TransporterError} `usage`.
 */
export function readArgs(
  args: readonly string[],
  random: () => number,
): ChaosOptions | undefined {
  const values = parse(args.filter((arg) => arg !== "--"));
  if (values.help) return undefined;
  const { output } = values;
  if (output !== "table" && output !== "json") {
    throw usage("output", output, "table or json");
  }
  const wire = WIRES.find((name) => name === values.wire);
  if (wire === undefined) throw usage("wire", values.wire, WIRES.join(", "));
  const minutes = numberOf("minutes", values.minutes, { min: 0.1, max: 1440 });
  const whole = { whole: true };
  return {
    runMs: Math.round(minutes * 60_000),
    seed: values.seed === undefined
      ? Math.floor(random() * 2 ** 32)
      : numberOf("seed", values.seed, { min: 0, max: 2 ** 53, ...whole }),
    events: values.events === undefined
      ? Math.round(minutes * EVENTS_A_MINUTE)
      : numberOf("events", values.events, { min: 1, max: 1e6, ...whole }),
    agents: numberOf("agents", values.agents, { min: 1, max: 50, ...whole }),
    everyMs: numberOf("every", values.every, { min: 0.1, max: 3600 }) * 1000,
    wire,
    ...placeOf(values),
    script: values.script,
    folder: values.folder,
    output,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string", default: "10" },
        seed: { type: "string" },
        events: { type: "string" },
        agents: { type: "string", default: "5" },
        wire: { type: "string", default: "ws" },
        replicas: { type: "string", default: "1" },
        store: { type: "string" },
        every: { type: "string", default: "10" },
        script: { type: "string" },
        folder: { type: "string" },
        output: { type: "string", short: "o", default: "table" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (cause) {
    const problem = cause instanceof Error
      ? cause.message.split(/[.'] /)[0]
      : String(cause);
    throw new TransporterError(
      "usage",
      `Cannot read the command line: ${problem}; see deno task chaos --help`,
      { cause },
    );
  }
}

/** How many control planes there are, and on what; only one can have SQLite. */
function placeOf(
  { replicas, store = replicas === "2" ? "redis" : "sqlite" }: {
    readonly replicas: string;
    readonly store?: string | undefined;
  },
): Pick<ChaosOptions, "replicas" | "store"> {
  if (replicas !== "1" && replicas !== "2") {
    throw usage("replicas", replicas, "1 or 2");
  }
  if (store === "redis") return { replicas: replicas === "1" ? 1 : 2, store };
  if (store === "sqlite" && replicas === "1") return { replicas: 1, store };
  const wanted = replicas === "1" ? "sqlite or redis" : "redis with two";
  throw usage("store", store, wanted);
}

function numberOf(
  name: string,
  text: string,
  { min, max, whole = false }: { min: number; max: number; whole?: boolean },
): number {
  const value = text.trim() === "" ? NaN : Number(text);
  const fits = value >= min && value <= max &&
    (!whole || Number.isSafeInteger(value));
  if (fits) return value;
  const kind = whole ? "a whole number" : "a number";
  throw usage(name, text, `${kind} from ${min} to ${max}`);
}

function usage(name: string, text: string, wanted: string): TransporterError {
  return new TransporterError(
    "usage",
    `Cannot use --${name} "${text}": it must be ${wanted}`,
  );
}
