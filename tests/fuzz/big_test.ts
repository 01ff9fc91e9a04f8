import { ok, strictEqual } from "node:assert/strict";
import { BIG_SAMPLES } from "./big.ts";
import { answerAll, attack } from "./http.ts";
import { GROWTH_BYTES_MAX, Target } from "./target.ts";

const MIB = 1024 * 1024;

/** Bytes of a body, the longest of which are batches; they are in memory besides what is made of them. */
const BODY_BYTES_MAX = 32 * MIB;

Deno.test("a control plane answers what is large as it should, and does not grow by more than 64 MiB beside the longest body", async () => {
  await using target = await Target.startCp();
  async function all(grown?: (path: string, bytes: number) => void) {
    await answerAll(BIG_SAMPLES, async ({ path, make }) => {
      const { rss } = await target.memory();
      await target.forgetPeak();
      const outcome = await attack(target.port, make());
      grown?.(path, (await target.memory()).peak - rss);
      return outcome;
    }, { large: true });
    await target.mustBeWell();
    return (await target.memory()).rss;
  }
  // The first round lets V8's young generation grow to its size, which it does once.
  const before = await all();
  const grown: string[] = [];
  const after = await all((path, bytes) => {
    if (bytes > BODY_BYTES_MAX + GROWTH_BYTES_MAX) {
      grown.push(`${path}: ${bytes / MIB} MiB`);
    }
  });
  strictEqual(grown.join("\n"), "");
  ok(after - before <= GROWTH_BYTES_MAX, `${(after - before) / MIB} MiB`);
});
