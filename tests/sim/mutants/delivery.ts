/**
 * Events that are sent otherwise than they should be.
 *
 * @module
 */
import { Link, type Wire } from "@transporter/sdk";
import { Dispatcher } from "../../../cp/dispatcher.ts";
import { all, type Mutant, replace, withMethods, withStore } from "./mutant.ts";

const fireAndForget: Mutant = {
  name: "fire-and-forget-delivery",
  upstream: ["F02"],
  does: "Takes an event for delivered once it was handed to a session.",
  breaks: ["G1"],
  budget: 50,
  plant: () => ({
    core: (options) =>
      withStore(options, () => ({ listReleased: () => Promise.resolve([]) })),
  }),
};

const writeErrorIgnored: Mutant = {
  name: "write-error-ignored",
  upstream: ["F05"],
  does: "Keeps the session of a broken connection, and takes what is sent " +
    "on it for written.",
  breaks: [],
  harmless: "An event counts as the agent's when the agent has acknowledged " +
    "it, not when it is written. The session ends when the agent's next one " +
    "begins, or with 45 s of silence, and the next one sends the event again.",
  budget: 100,
  plant: () => ({ accept: deaf }),
};

/** A wire that never tells that it is broken. */
function deaf(wire: Wire): Wire {
  const closed = Promise.withResolvers<void>();
  async function* frames(): AsyncGenerator<string> {
    try {
      yield* wire.frames;
    } catch {
      // Nobody is told.
    }
    await closed.promise;
  }
  return {
    frames: frames(),
    send: (frame) => wire.send(frame).catch(() => {}),
    close(reason) {
      closed.resolve();
      return wire.close(reason);
    },
  };
}

const writerByName: Mutant = {
  name: "writer-by-name",
  upstream: ["F06"],
  does: "Lets the writer of a session that was replaced take an event of the " +
    "new one, which it writes to its own, dead connection.",
  breaks: ["G1", "G14"],
  budget: 50,
  plant() {
    const sessions = new Map<string, Link>();
    return {
      patch: () =>
        replace(
          Dispatcher.prototype,
          "open",
          (open) =>
            function (this: Dispatcher, target) {
              let old = sessions.get(target.agent);
              sessions.set(target.agent, target.link);
              const link = withMethods(target.link, {
                async send(message) {
                  const to = message.type === "event" ? old : undefined;
                  if (to === undefined) return await target.link.send(message);
                  old = undefined; // its first error ends it
                  await to.send(message).catch(() => {});
                },
              });
              return open.call(this, { ...target, link });
            },
        ),
    };
  },
};

const sendAfterClose: Mutant = {
  name: "send-after-close-panics",
  upstream: ["F24"],
  does: "Ends the program when something is sent on a link that was closed.",
  breaks: ["G14"],
  crashes: true,
  budget: 200,
  plant() {
    const over = new WeakSet<Link>();
    return {
      patch: () =>
        all(
          replace(Link.prototype, "close", (close) =>
            function (this: Link, reason) {
              over.add(this);
              return close.call(this, reason);
            }),
          replace(Link.prototype, "send", (send) =>
            function (this: Link, message) {
              this.closed.then(() =>
                over.add(this)
              );
              if (over.has(this)) {
                Promise.reject(new Error("panic: send on closed channel"));
              }
              return send.call(this, message);
            }),
        ),
    };
  },
};

/** All of them. */
export const DELIVERY: readonly Mutant[] = [
  fireAndForget,
  writeErrorIgnored,
  writerByName,
  sendAfterClose,
];
