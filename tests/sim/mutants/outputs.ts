/**
 * What events put out, on its way from an agent to the store, and how it gets
 * lost or comes twice.
 *
 * @module
 */
import { Outputs } from "../../../agent/outputs.ts";
import { LogFlow } from "../../../cp/log_flow.ts";
import { type Mutant, replace, withStore } from "./mutant.ts";

const outputForgotten: Mutant = {
  name: "output-forgotten-once-written",
  upstream: [],
  does: "Forgets output once it is written to the link.",
  breaks: ["G3"],
  budget: 200,
  plant: () => ({
    patch: () =>
      replace(
        Outputs.prototype,
        "detach",
        (detach) =>
          function (this: Outputs, link) {
            this.acknowledged(Infinity);
            detach.call(this, link);
          },
      ),
  }),
};

const outputTwice: Mutant = {
  name: "output-kept-twice",
  upstream: [],
  does: "Keeps output that an agent sends again as if it were new.",
  breaks: ["G3"],
  budget: 200,
  plant: () => ({
    patch: () =>
      replace(
        LogFlow.prototype,
        "take",
        (take) =>
          function (this: LogFlow, frame) {
            take.call(this, { ...frame, again: false });
          },
      ),
  }),
};

const outputUnwritten: Mutant = {
  name: "output-acknowledged-before-commit",
  upstream: [],
  does: "Acknowledges output while it is on its way to the store.",
  breaks: ["G3"],
  budget: 500,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        addLogs(...written) {
          store.addLogs(...written).catch(() => {}); // nobody is told
          return Promise.resolve();
        },
      })),
  }),
};

/** All of them. */
export const OUTPUTS: readonly Mutant[] = [
  outputForgotten,
  outputTwice,
  outputUnwritten,
];
