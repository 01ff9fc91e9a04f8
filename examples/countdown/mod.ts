/** A plugin with a config, progress and cancellation: counts down, a second a number. */
import { definePlugin, TransporterError } from "@transporter/sdk";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";

export default definePlugin({
  api: 1,
  type: "countdown",
  version: "1.0.0",

  // What the operator of the agent may set; it is checked when the agent starts.
  config: v.strictObject({
    seconds_max: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 60),
    last_word: v.optional(v.string(), "Lift-off"),
  }),

  payload: v.strictObject({
    from: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),

  // What every event uses: here the config, else perhaps a client.
  open: (config) => config,

  // Countdowns run side by side.
  keys: () => [],
  repeatable: () => true,

  validate({ from }, { opened: { seconds_max: max } }) {
    if (from > max) {
      throw new TransporterError(
        "invalid",
        `Cannot count down from ${from}: this agent allows ${max}`,
      );
    }
    return from;
  },

  async apply(from, context) {
    for (let n = from; n > 0; n--) {
      await context.report(`${n} to go`);
      // Whatever takes the signal ends at once on a cancel and at the deadline.
      await sleep(1000, undefined, { signal: context.signal });
    }
    context.output("stdout", `${context.opened.last_word}\n`);
    return { counted: from };
  },
});
