import type { Timers } from "../../sdk/connectors/timers.ts";
import type { Process } from "./machine.ts";

/** Time as the wires of a process have it. */
export function timersOf(process: Process): Timers {
  const { machine } = process;
  return {
    monotonic: () => machine.monotonic(),
    after(ms, call) {
      let wanted = true;
      const timer = process.after(machine.duration(ms), "timer", () => {
        if (wanted) call();
      });
      return () => {
        wanted = false;
        timer.run = undefined;
      };
    },
  };
}
