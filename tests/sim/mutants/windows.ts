/**
 * Agents that are sent more than they take, or less than they could, and long
 * messages.
 *
 * @module
 */
import type { Wire } from "@transporter/sdk";
import { Credit } from "../../../agent/credit.ts";
import { Dispatcher } from "../../../cp/dispatcher.ts";
import { Sending } from "../../../cp/sending.ts";
import { Window } from "../../../cp/window.ts";
import { all, type Mutant, replace } from "./mutant.ts";

/** A control plane to which agents seem to have room for so much. */
function withRoom(room: { eventsMax?: number; bytesMax?: number }): Disposable {
  return replace(
    Dispatcher.prototype,
    "open",
    (open) =>
      function (this: Dispatcher, target) {
        return open.call(this, {
          ...target,
          window: { ...target.window, ...room },
        });
      },
  );
}

/** A control plane that hears of no credit. */
function withoutCredit(): Disposable {
  return replace(Sending.prototype, "credit", () => () => {});
}

const windowIgnored: Mutant = {
  name: "window-ignored",
  upstream: [],
  does: "Sends an agent events however many it takes at a time.",
  breaks: ["G10"],
  budget: 50,
  plant: () => ({
    patch: () => all(withRoom({ eventsMax: 1000 }), withoutCredit()),
  }),
};

const bytesIgnored: Mutant = {
  name: "bytes-ignored",
  upstream: [],
  does: "Sends an agent events however long they are together.",
  breaks: ["G10"],
  budget: 100,
  plant: () => ({ patch: () => withRoom({ bytesMax: Infinity }) }),
};

const placesKept: Mutant = {
  name: "places-never-free",
  upstream: [],
  does: "Keeps the places of events that are over, until the next session.",
  breaks: ["G1", "G14"],
  budget: 50,
  plant: () => ({
    patch: () => replace(Window.prototype, "left", () => () => true),
  }),
};

const creditOnce: Mutant = {
  name: "credit-told-once",
  upstream: [],
  does: "Tells the control plane once in a session how far it may go.",
  breaks: ["G1", "G14"],
  budget: 50,
  plant() {
    const told = new WeakSet<Credit>();
    return {
      patch: () =>
        replace(Credit.prototype, "grant", (grant) =>
          function (this: Credit) {
            if (!told.has(this)) grant.call(this);
            told.add(this);
          }),
    };
  },
};

const creditIgnored: Mutant = {
  name: "credit-ignored",
  upstream: [],
  does: "Sends an agent events that fit its window, whatever credit it gives.",
  breaks: [],
  harmless: "The control plane counts by itself what an agent has, and frees " +
    "a place when it knows the end of an event, which the agent knew before.",
  budget: 100,
  plant: () => ({ patch: withoutCredit }),
};

/** The place of a frame among the parts of its message, and how many there are; nothing for a whole message. */
function partOf(frame: string): readonly [i: number, n: number] | undefined {
  const part = /^\{"type":"part","msg":"\w+","i":(\d+),"n":(\d+)/.exec(frame);
  return part === null ? undefined : [Number(part[1]), Number(part[2])];
}

/** A wire that sends the first part of a message after the second one. */
function swapping(wire: Wire): Wire {
  let first: string | undefined;
  return {
    frames: wire.frames,
    async send(frame) {
      const [i] = partOf(frame) ?? [];
      if (i === 0) first = frame;
      else await wire.send(frame);
      if (i !== 1 || first === undefined) return;
      await wire.send(first);
    },
    close: (reason) => wire.close(reason),
  };
}

const partsSwapped: Mutant = {
  name: "parts-out-of-order",
  upstream: [],
  does: "Sends the first part of a long message after the second one.",
  breaks: ["G1", "G14"],
  budget: 50,
  plant: () => ({ accept: swapping }),
};

/** A wire that loses the last part of every message that has some. */
function losing(wire: Wire): Wire {
  return {
    frames: wire.frames,
    async send(frame) {
      const [i, n] = partOf(frame) ?? [0, 0];
      if (i + 1 !== n) await wire.send(frame);
    },
    close: (reason) => wire.close(reason),
  };
}

const lastPartLost: Mutant = {
  name: "last-part-lost",
  upstream: [],
  does: "Never sends the last part of a long message.",
  breaks: ["G1", "G14"],
  budget: 50,
  plant: () => ({ accept: losing }),
};

/** All of them. */
export const WINDOWS: readonly Mutant[] = [
  windowIgnored,
  bytesIgnored,
  placesKept,
  creditOnce,
  creditIgnored,
  partsSwapped,
  lastPartLost,
];
