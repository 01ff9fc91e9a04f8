/**
 * What operators do to a control plane, and it does not bear: clocks that are
 * set, copies that are put back.
 *
 * @module
 */
import { silentLogger } from "@transporter/sdk";
import type { Mutant } from "./mutant.ts";

const wallClock: Mutant = {
  name: "time-of-day-measured",
  upstream: [],
  does: "Lets a control plane measure how long things take by the time of day.",
  breaks: ["G1", "G14", "S1"],
  budget: 300,
  plant: () => ({
    core: (options) => ({
      ...options,
      clock: { ...options.clock, monotonic: () => options.clock.now() },
    }),
  }),
};

const gapHidden: Mutant = {
  name: "gap-hidden",
  upstream: [],
  does:
    "Keeps to itself what an older copy of the store does not know of, and agents do.",
  breaks: ["G18"],
  budget: 300,
  plant: () => ({ core: (options) => ({ ...options, log: silentLogger }) }),
};

/** All of them. */
export const OPERATIONS: readonly Mutant[] = [wallClock, gapHidden];
