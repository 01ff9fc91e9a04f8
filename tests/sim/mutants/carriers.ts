/**
 * Carriers whose ends count wrongly what goes over them.
 *
 * @module
 */
import { AcceptedWire } from "../../../sdk/connectors/accepted_wire.ts";
import { CountedIn, CountedOut } from "../../../sdk/connectors/counted.ts";
import { NatsWire } from "../../../sdk/connectors/nats_wire.ts";
import { type Mutant, replace } from "./mutant.ts";

/** Takes what comes a second time as new. */
function repetitionTaken(): Disposable {
  return replace(
    CountedIn.prototype,
    "take",
    (take) =>
      function (this: CountedIn, after, frames) {
        take.call(this, Math.max(after, this.last), frames);
      },
  );
}

/** Answers with what comes next when it is asked for what was sent before. */
function sentOnce(): Disposable {
  const sent = new WeakMap<CountedOut, number>();
  return replace(
    CountedOut.prototype,
    "after",
    (after) =>
      function (this: CountedOut, number, charsMax) {
        const from = Math.max(number, sent.get(this) ?? 0);
        const frames = after.call(this, from, charsMax);
        if (charsMax > 1) sent.set(this, from + frames.length);
        return frames;
      },
  );
}

/** Lets a stream begin after what an earlier one was given, and count from what it was asked for. */
function streamGoesOn(): Disposable {
  const given = new WeakMap<AcceptedWire, number>();
  return replace(
    AcceptedWire.prototype,
    "stream",
    (stream) =>
      async function* (this: AcceptedWire, after, patience) {
        const from = Math.max(after, given.get(this) ?? 0);
        for await (const batch of stream.call(this, from, patience)) {
          given.set(this, batch.after + batch.frames.length);
          yield { ...batch, after: batch.after - from + after };
        }
      },
  );
}

/** Numbers messages as they come, whatever their own numbers are. */
function renumbered(takesRepetition: boolean): Disposable {
  const counts = new WeakMap<NatsWire, { highest: number; taken: number }>();
  return replace(
    NatsWire.prototype,
    "receive",
    (receive) =>
      function (this: NatsWire, parcel, data) {
        const { n } = parcel;
        if (n === undefined) return receive.call(this, parcel, data);
        const count = counts.get(this) ?? { highest: 0, taken: 0 };
        counts.set(this, count);
        const isNew = n > count.highest || takesRepetition;
        count.highest = Math.max(count.highest, n);
        if (isNew) receive.call(this, { ...parcel, n: ++count.taken }, data);
      },
  );
}

const pollSentOnce: Mutant = {
  name: "poll-answers-once",
  upstream: [],
  does: "Forgets frames when they are in an answer, whether or not it arrives.",
  breaks: ["G1", "G14"],
  wire: "poll",
  budget: 300,
  plant: () => ({ patch: sentOnce }),
};

const streamForgets: Mutant = {
  name: "stream-goes-on-elsewhere",
  upstream: [],
  does: "Lets the next stream go on after what the last one was given, " +
    "whether or not that arrived.",
  breaks: ["G1", "G14"],
  wire: "sse",
  budget: 300,
  plant: () => ({ patch: streamGoesOn }),
};

const pollRepetitionTaken: Mutant = {
  name: "request-taken-twice",
  upstream: [],
  does: "Takes the frames of a request again that is repeated.",
  breaks: ["G3"],
  wire: "poll",
  budget: 300,
  plant: () => ({ patch: repetitionTaken }),
};

const gapTaken: Mutant = {
  name: "lost-message-passed-over",
  upstream: [],
  does: "Goes on after a message that the broker lost.",
  breaks: ["G1", "G14"],
  wire: "nats",
  budget: 300,
  plant: () => ({ patch: () => renumbered(false) }),
};

const repeatedMessageTaken: Mutant = {
  name: "message-taken-twice",
  upstream: [],
  does: "Takes messages as they come: lost, twice and out of order.",
  breaks: ["G1", "G14"],
  wire: "nats",
  budget: 300,
  plant: () => ({ patch: () => renumbered(true) }),
};

/** All of them. */
export const CARRIERS: readonly Mutant[] = [
  pollSentOnce,
  streamForgets,
  pollRepetitionTaken,
  gapTaken,
  repeatedMessageTaken,
];
