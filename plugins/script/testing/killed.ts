/**
 * An agent that is killed while it runs a script, as far as the script is
 * concerned: `deno run -A killed.ts WAY SECONDS`. Says when the script began.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for
import { Bench } from "./bench.ts";

const [way, seconds] = Deno.args;
const bench = await Bench.open({ confinement: way });
console.log(bench.dir);
await bench.run(
  `echo begun; (setsid sleep ${seconds} &); trap '' TERM; sleep ${seconds}`,
  { onOutput: (text) => console.log(text) },
);
