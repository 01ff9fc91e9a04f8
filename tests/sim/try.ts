import { runSeed } from "./run.ts";
import { formatVerdict } from "../history/judge.ts";
const from = Number(Deno.args[0]), n = Number(Deno.args[1]);
const now = performance.now.bind(performance);
const t = now();
let steps = 0, bad = 0, sim = 0;
for (let seed = from; seed < from + n; seed++) {
  const o = await runSeed({
    seed,
    ...(Deno.args[2] ? { trace: console.log } : {}),
  });
  steps += o.steps;
  sim += o.simulatedMs;
  if (o.verdict.violations.length) {
    bad++;
    console.log(seed, o.hash, formatVerdict(o.verdict));
  } else if (n < 5) {
    console.log(seed, o.hash, o.steps, o.simulatedMs, formatVerdict(o.verdict));
  }
}
const s = (now() - t) / 1000;
console.log(
  `${n} seeds, ${bad} bad, ${s.toFixed(1)} s, ${(n / s).toFixed(1)} seeds/s, ${
    Math.round(steps / n)
  } steps/seed ${Math.round(sim / n / 1000)} s/seed`,
);
