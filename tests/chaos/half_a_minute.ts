import { strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { assemble, draw } from "./cast.ts";
import type { ChaosOptions, ChaosWire } from "./options.ts";
import { isGood, toTable } from "./report.ts";
import { run } from "./run.ts";

/**
 * Another one finds other things: what it was is in the table. By this one Redis
 * is killed, stopped and made to sleep, NATS is restarted, and a control plane
 * is cut off from the store, to which the tests that have it run hold it.
 */
const SEED = 20_261_123;

/** What half a minute of it over a wire is. */
export function optionsOf(
  wire: ChaosWire,
  replicas: 1 | 2 = 1,
  store: "sqlite" | "redis" = replicas === 1 ? "sqlite" : "redis",
): Omit<ChaosOptions, "folder"> {
  return {
    runMs: 30_000,
    seed: SEED,
    events: 300,
    agents: 5,
    everyMs: 10_000,
    wire,
    replicas,
    store,
    script: undefined,
    output: "table",
  };
}

/** What half a minute of it does to whom, as `target kind`; nothing is started. */
export async function faultsOf(
  ...what: Parameters<typeof optionsOf>
): Promise<ReadonlySet<string>> {
  const folder = await Deno.makeTempDir({ prefix: "transporter-plan-" });
  try {
    const options = { ...optionsOf(...what), folder };
    const history = join(folder, "history.jsonl");
    await using cast = await assemble(options, { folder, history });
    const { faults } = draw(options, cast);
    return new Set(
      faults.map(({ target, fault }) => `${target} ${fault.kind}`),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Half a minute of `deno task chaos` over a wire: nothing may be lost, done twice or left undone. */
export async function halfAMinute(
  ...what: Parameters<typeof optionsOf>
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "transporter-chaos-" });
  const said: string[] = [];
  const outcome = await run({ ...optionsOf(...what), folder }, {
    folder,
    progress: (line) => said.push(line),
    signal: new AbortController().signal,
  });
  const table = toTable(outcome);
  strictEqual(isGood(outcome), true, `${said.join("\n")}\n${table}`);
  // Those, and one for each agent when all was well again.
  const { accepted, recovered } = outcome.verdict.counts; // of what a broker took nobody was told when
  strictEqual(accepted + recovered, 305, table);
  // Only a run that found nothing leaves nothing behind.
  await Deno.remove(folder, { recursive: true });
}
