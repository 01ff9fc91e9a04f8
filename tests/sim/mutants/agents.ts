/**
 * Agents that do otherwise than they should.
 *
 * @module
 */
import { type EventStatus, type Executor, Link } from "@transporter/sdk";
import { Journal } from "../../../agent/journal.ts";
import { Outbox } from "../../../agent/outbox.ts";
import { Runner } from "../../../agent/runner.ts";
import { Receipts } from "../../../sdk/receipts.ts";
import { all, type Mutant, replace, withMethods } from "./mutant.ts";

const noDedupe: Mutant = {
  name: "no-dedupe-at-agent",
  upstream: ["F48"],
  does: "Runs what is delivered, whatever the journal says of it.",
  breaks: ["G2"],
  budget: 50,
  plant: () => ({
    patch: () => replace(Journal.prototype, "get", () => () => undefined),
  }),
};

const noExpiry: Mutant = {
  name: "no-expiry-check-at-agent",
  upstream: ["F52"],
  does: "Starts events after their deadline.",
  breaks: ["G5"],
  // It takes an agent that is cut off at that time, as one in about 500 seeds has: any other is told
  // to leave what is out of time.
  budget: 3000,
  plant: () => ({
    patch: () =>
      replace(Runner.prototype, "add", (add) =>
        function (this: Runner, work) {
          add.call(this, { ...work, deadline: work.deadline + 3_600_000 });
        }),
  }),
};

/** Milliseconds that an event takes to get going, on average. */
const LAG_MS = 200;

const concurrent: Mutant = {
  name: "concurrent-event-handling",
  upstream: ["F50"],
  does: "Runs events side by side that touch the same things.",
  breaks: ["G4"],
  budget: 50,
  plant: () => ({
    agent(options, { clock, random }) {
      const side = (executor: Executor) =>
        withMethods(executor, {
          keys: () => [],
          async apply(payload, context) {
            await clock.sleep(random.exponential(LAG_MS));
            return await executor.apply(payload, context);
          },
        });
      return { ...options, executors: options.executors.map(side) };
    },
    patch: () =>
      replace(Runner.prototype, "add", (add) =>
        function (this: Runner, work) {
          add.call(this, { ...work, keys: [] });
        }),
  }),
};

const unlimited: Mutant = {
  name: "unlimited-concurrency",
  upstream: ["F31"],
  does: "Runs all that comes at the same time.",
  breaks: ["G10"],
  budget: 20,
  plant: () => ({
    agent: (options) => ({ ...options, concurrency: 1000 }),
  }),
};

/** Statuses count as acknowledged once they are written. */
function unacknowledged(): Disposable {
  return replace(
    Receipts.prototype,
    "expect",
    (expect) =>
      function (this: Receipts, message, version) {
        return message.type === "status_update"
          ? undefined
          : expect.call(this, message, version);
      },
  );
}

const statusNotResent: Mutant = {
  name: "status-not-resent",
  upstream: ["F07"],
  does: "Tells each status once, whether or not there is a link to tell it on.",
  breaks: ["G1"],
  budget: 50,
  plant() {
    const attached = new WeakSet<Outbox>();
    /** The ends that came while there was no link, and those alone. */
    const lost = new Set<string>();
    const nameOf = ({ event_id, attempt }: Partial<EventStatus>) =>
      `${event_id} ${attempt}`;
    return {
      patch: () =>
        all(
          unacknowledged(),
          replace(Outbox.prototype, "repeat", () => () => {}),
          replace(Outbox.prototype, "attach", (attach) =>
            function (this: Outbox, session) {
              attached.add(this);
              attach.call(this, session);
            }),
          replace(Outbox.prototype, "detach", (detach) =>
            function (this: Outbox, link) {
              attached.delete(this);
              detach.call(this, link);
            }),
          replace(Outbox.prototype, "record", (record) =>
            async function (this: Outbox, status) {
              if (!attached.has(this)) {
                lost.add(nameOf(status));
              }
              await record.call(this, status);
            }),
          replace(Link.prototype, "send", (send) =>
            async function (this: Link, message) {
              const gone = message.type === "status_update" &&
                lost.has(nameOf(message));
              if (!gone) {
                await send.call(this, message);
              }
            }),
        ),
    };
  },
};

const statusForgotten: Mutant = {
  name: "status-forgotten-once-written",
  upstream: [],
  does: "Forgets a status once it is written, but tells it again when the " +
    "event is sent again.",
  breaks: [],
  harmless: "The control plane has an event until it knows its end: over the " +
    "next link it sends it again, and the agent tells the end from its journal.",
  budget: 100,
  plant: () => ({ patch: unacknowledged }),
};

const ackBeforeJournal: Mutant = {
  name: "ack-before-journal",
  upstream: [],
  does: "Acknowledges an event before the journal has it on disk.",
  breaks: [],
  harmless: "The control plane keeps the event until it knows its end, and " +
    "the agent says at each registration how far its journal goes.",
  budget: 100,
  plant: () => ({
    patch: () =>
      replace(Journal.prototype, "durable", () => () => Promise.resolve()),
  }),
};

const startBeforeJournal: Mutant = {
  name: "start-before-journal",
  upstream: [],
  does: "Starts an attempt before the journal has its start on disk.",
  breaks: ["G2"],
  budget: 1500,
  plant: () => ({
    patch: () =>
      replace(
        Journal.prototype,
        "begin",
        (begin) =>
          function (this: Journal, id, attempt) {
            begin.call(this, id, attempt).catch(() => {});
            return Promise.resolve();
          },
      ),
  }),
};

/** All of them. */
export const AGENTS: readonly Mutant[] = [
  noDedupe,
  noExpiry,
  concurrent,
  unlimited,
  statusNotResent,
  statusForgotten,
  ackBeforeJournal,
  startBeforeJournal,
];
