/**
 * The `script` event type: runs a script with an interpreter that the operator
 * of the agent allows, confined, with all its children until it ends. Loading
 * this module loads nothing that runs one; opening the plugin does.
 *
 * @module
 */
import {
  type EventKind,
  parse,
  type Plugin,
  systemClock,
} from "@transporter/sdk";
import { type Config, configSchema } from "./config.ts";
import { EVENT_TYPE, payloadSchema } from "./payload.ts";

/** The pure part, for intake and the command line. */
export const scriptKind: EventKind = {
  type: EVENT_TYPE,
  async check(payload) {
    await parse(payloadSchema, payload);
  },
  repeatable: () => false, // nobody knows what a script has done when it is cut off
};

/** The plugin. */
export const script: Plugin<Config> = {
  type: EVENT_TYPE,
  config: configSchema,
  kind: scriptKind,
  async open(config, { log, signal }) {
    const { openExecutor } = await import("./executor.ts");
    return await openExecutor(config, { clock: systemClock, log, signal });
  },
};
