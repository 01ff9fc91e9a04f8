import { CpProcess } from "../system.ts";
import type { Figure } from "./figures.ts";
import type { LoadOutcome } from "./load.ts";
import { memoryMb, runLoad } from "./process.ts";

const AGENTS = 16;
const BATCH = 20;
const OVERLOAD = 3;
const OVERLOAD_SECONDS = 60;

/** What the control plane may take, in MB: it is bounded by what waits, not by who asks. */
const MEMORY_MB = 768;

/** How long it may take until all is as before, in seconds. */
const RECOVERY_SECONDS = 30;

function rate({ accepted, endedSeconds }: LoadOutcome): number {
  return accepted / endedSeconds;
}

function told(outcome: LoadOutcome): string {
  const refused = Object.entries(outcome.refused)
    .map(([code, count]) => `${count} ${code}`);
  return `${outcome.accepted} accepted, ${refused.join(", ")}`;
}

/** Three times as much as it can take for a minute, from somebody who does not listen. */
export async function overload(script: string): Promise<Figure[]> {
  await using cp = await CpProcess.start({ script });
  const { pid } = cp.program;
  const shape = { url: cp.url, agents: AGENTS, batch: BATCH };
  const closed = { events: 20_000, requests: 8 };
  await runLoad({ ...shape, closed }); // warms it up
  const peak = rate(await runLoad({ ...shape, closed }));
  const open = {
    rate: Math.round(peak * OVERLOAD),
    seconds: OVERLOAD_SECONDS,
  };
  const over = await runLoad({ ...shape, open });
  const overAt = performance.now();
  // As before: what is asked for one at a time is accepted, promptly, and comes to its end.
  let after: LoadOutcome;
  do after = await runLoad({
    ...shape,
    batch: 1,
    closed: { events: 200, requests: 1 },
  }); while (after.accepted < 200 || after.acceptMs[1] > 100);
  const recovered = (performance.now() - overAt) / 1000 - after.endedSeconds;
  return [
    {
      what:
        `${OVERLOAD}x overload for a minute, answer to what is refused, p99`,
      value: over.refuseMs[1],
      unit: "ms",
      bar: { atMost: 100 },
      note: told(over),
    },
    {
      what: `${OVERLOAD}x overload, goodput as a share of the peak`,
      value: rate(over) / peak,
      unit: "",
      bar: { atLeast: 0.8 },
      note: `${rate(over).toFixed(0)}/s of ${
        peak.toFixed(0)
      }/s, ended, with five statuses each`,
    },
    {
      what: `${OVERLOAD}x overload, memory at most`,
      value: await memoryMb(pid, "VmHWM"),
      unit: "MB",
      bar: { atMost: MEMORY_MB },
    },
    {
      what: `${OVERLOAD}x overload, as before after`,
      value: recovered,
      unit: "s",
      bar: { atMost: RECOVERY_SECONDS },
    },
  ];
}
