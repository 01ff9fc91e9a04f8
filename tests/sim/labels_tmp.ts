import { Loop } from "./loop.ts";
import { runSeed } from "./run.ts";
const counts = new Map<string, number>();
const after = Loop.prototype.after;
Loop.prototype.after = function (ms, label, run) {
  const key = label === "sleep" ? "sleep" : label;
  return after.call(this, ms, label, () => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    run();
  });
};
await runSeed({ seed: Number(Deno.args[0]) });
console.log([...counts].sort((a, b) => b[1] - a[1]).slice(0, 25));
