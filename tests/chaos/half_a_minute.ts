import { strictEqual } from "node:assert/strict";
import type { ChaosWire } from "./options.ts";
import { isGood, toTable } from "./report.ts";
import { run } from "./run.ts";

/** Another one finds other things: what it was is in the table. */
const SEED = 20_261_125;

/** Half a minute of `deno task chaos` over a wire: nothing may be lost, done twice or left undone. */
export async function halfAMinute(
  wire: ChaosWire,
  replicas: 1 | 2 = 1,
  store: "sqlite" | "redis" = replicas === 1 ? "sqlite" : "redis",
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "transporter-chaos-" });
  const said: string[] = [];
  const outcome = await run({
    runMs: 30_000,
    seed: SEED,
    events: 300,
    agents: 5,
    everyMs: 10_000,
    wire,
    replicas,
    store,
    script: undefined,
    folder,
    output: "table",
  }, {
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
