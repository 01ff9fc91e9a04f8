/**
 * `deno task bench`: measures the figures that we hold ourselves to, with real
 * processes and a real API server, and prints them beside their bars. Exits
 * with 1 when one is missed, or when a bench failed; what others measured is
 * printed all the same.
 *
 *     deno task bench                    all of them
 *     deno task bench -- burst           those whose name contains "burst"
 *     deno task bench -- -o json burst   the same as JSON
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the table is the result
import {
  type LocalKube,
  startLocalKube,
  userCacheDir,
} from "../../deploy/localkube/mod.ts";
import { wires } from "./wire_bench.ts";
import { parseArgs } from "node:util";
import { accepts, acceptsInRedis } from "./accept_bench.ts";
import { beside, bundle } from "./apply_bench.ts";
import { big } from "./big_bench.ts";
import { json, meets, table } from "./figures.ts";
import { burst, offline, oneByOne } from "./flow_bench.ts";
import { bytes } from "./bytes_bench.ts";
import { lists } from "./list_bench.ts";
import { logs } from "./log_bench.ts";
import { type Benches, measure } from "./measure.ts";
import { overload } from "./overload_bench.ts";
import { storm } from "./storm_bench.ts";
import { stored } from "./stored_bench.ts";
import { plugins } from "./plugin_bench.ts";
import { gate, hostile, judged } from "./policy_bench.ts";
import { replicas } from "./replicas_bench.ts";
import { ready } from "./ready_bench.ts";
import { demo, idle, start } from "./start_bench.ts";

const SCRIPT = new URL("../../dist/transporter.js", import.meta.url).pathname;

function parse() {
  try {
    return parseArgs({
      args: Deno.args.filter((arg) => arg !== "--"),
      allowPositionals: true,
      options: { output: { type: "string", short: "o", default: "table" } },
    });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(2);
  }
}

const { values: { output }, positionals: wanted } = parse();
if (output !== "table" && output !== "json") {
  console.error(`Cannot print "${output}": use -o table or -o json`);
  Deno.exit(2);
}
await using opened = new AsyncDisposableStack();
let started: LocalKube | undefined;

/** Whether somebody asked for it, or for none by name. */
function isWanted(name: string): boolean {
  return wanted.length === 0 || wanted.some((part) => name.includes(part));
}

/** The API server of those that need one. */
async function kube(): Promise<LocalKube> {
  return started ??= opened.use(
    await startLocalKube({
      cacheDir: userCacheDir((name) => Deno.env.get(name)),
    }),
  );
}

const benches: Benches = {
  demo,
  start: async () => await start(await kube(), SCRIPT),
  idle: async () => await idle(await kube(), SCRIPT),
  "one by one": async () => await oneByOne(await kube(), SCRIPT),
  burst: async () => await burst(await kube(), SCRIPT),
  beside: async () => await beside(await kube(), SCRIPT),
  bundle: async () => await bundle(await kube(), SCRIPT),
  big: async () => await big(await kube(), SCRIPT),
  offline: () => offline(SCRIPT),
  ready: async () => await ready(await kube()),
  accepts: () => accepts(SCRIPT),
  redis: () => acceptsInRedis(SCRIPT),
  replicas: () => replicas(SCRIPT),
  wires: () => wires(SCRIPT),
  storm: () => storm(SCRIPT),
  bytes: async () => await bytes(await kube(), SCRIPT),
  lists: () => lists(SCRIPT),
  stored: () => stored(SCRIPT),
  plugins,
  logs: () => logs(SCRIPT),
  overload: () => overload(SCRIPT),
  judged: async () => await judged(await kube(), SCRIPT),
  hostile: () => Promise.resolve(hostile()),
  gate,
};

const chosen = Object.entries(benches).filter(([name]) => isWanted(name));
if (chosen.length === 0) {
  console.error(
    `There is no bench "${wanted.join(" ")}": ${
      Object.keys(benches).join(", ")
    }`,
  );
  Deno.exit(2);
}
const { figures, failures } = await measure(
  Object.fromEntries(chosen),
  (name) => console.error(`bench: ${name}`),
);
console.log(output === "json" ? json(figures) : table(figures));
for (const { bench, error } of failures) {
  console.error(`Cannot measure "${bench}":`, error);
}
if (failures.length > 0 || !figures.every(meets)) Deno.exitCode = 1;
