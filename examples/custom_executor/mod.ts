/** An event type of your own: says a greeting. See docs/plugins.md. */
import { definePlugin, TransporterError } from "@transporter/sdk";
import * as v from "valibot";

export default definePlugin({
  api: 1,
  type: "greet",
  version: "1.0.0",
  payload: v.strictObject({
    name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
    shout: v.optional(v.boolean(), false),
  }),

  // Events for the same name run one after the other; others run beside them.
  keys: ({ name }) => [`greet ${name}`],

  // A greeting may be said twice, so an event that was cut off is tried again.
  repeatable: () => true,

  // Decides, and changes nothing.
  validate({ name, shout }) {
    if (name === "nobody") {
      throw new TransporterError("invalid", "Cannot greet nobody");
    }
    const text = `Hello, ${name}`;
    return shout ? text.toUpperCase() : text;
  },

  // Does it. `context.signal` aborts when the event is cancelled or its time is over.
  async apply(text, context) {
    await context.report("Clearing its throat");
    context.signal.throwIfAborted();
    context.output("stdout", `${text}\n`);
    return { greeting: text };
  },

  // Waits until it is true, or throws.
  verify(text, result) {
    if (result.greeting === text) return;
    throw new TransporterError("failed", `Said "${result.greeting}" instead`);
  },
});
