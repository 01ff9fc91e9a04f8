/**
 * Events that are released otherwise than they should be.
 *
 * @module
 */
import { Link } from "@transporter/sdk";
import { type Mutant, replace, withStore } from "./mutant.ts";

const newestFirst: Mutant = {
  name: "new-overtakes-pending",
  upstream: ["F49"],
  does: "Releases the newest event before those that wait.",
  breaks: ["G4"],
  budget: 50,
  plant: () => ({
    core(options) {
      const created: string[] = [];
      return withStore(options, (store) => ({
        async createEvent(tenant, event) {
          const creation = await store.createEvent(tenant, event);
          if (creation.created) created.push(event.spec.id);
          return creation;
        },
        async releaseEvents(tenant, release) {
          for (const newest of created.splice(0).reverse()) {
            const released = await store.releaseEvents(tenant, {
              ...release,
              decide: (record) =>
                record.spec.id === newest ? release.decide(record) : undefined,
            });
            if (released.length > 0) return released;
          }
          return await store.releaseEvents(tenant, release);
        },
      }));
    },
  }),
};

const nothingSuperseded: Mutant = {
  name: "superseded-goes-on",
  upstream: [],
  does: "Does not cancel an event whose place another one takes.",
  breaks: ["G4"],
  budget: 300,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        changeEvent: (tenant, id, decide, fence) =>
          store.changeEvent(tenant, id, (record) => {
            const change = decide(record);
            const { details } = change?.status ?? {};
            return details?.["superseded_by"] === undefined
              ? change
              : undefined;
          }, fence),
      })),
  }),
};

/** Milliseconds between looks into the queue, as upstream has it. */
const TICK_MS = 30_000;

const releaseOnTicker: Mutant = {
  name: "release-on-ticker",
  upstream: ["F27"],
  does: "Looks into the queue every 30 s, whatever comes meanwhile.",
  breaks: ["G14"],
  budget: 20,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        async releaseEvents(tenant, release) {
          const { clock } = options;
          await clock.sleep(TICK_MS - clock.monotonic() % TICK_MS);
          return await store.releaseEvents(tenant, release);
        },
      })),
  }),
};

const retriesNotCounted: Mutant = {
  name: "retries-not-counted",
  upstream: ["F08"],
  does: "Does not count the attempts that failed, so that their number has " +
    "no limit.",
  breaks: ["G2"],
  budget: 50,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        changeEvent: (tenant, id, decide, fence) =>
          store.changeEvent(tenant, id, (record) => {
            const change = decide(record);
            if (change?.status.state !== "queued") return change;
            const notes = change.notes ?? record.notes;
            const attemptsBefore = change.status.attempt ?? record.attempt;
            return {
              ...change,
              notes: { ...notes, attemptsBefore, interruptions: 0 },
            };
          }, fence),
      })),
  }),
};

/** One after the other; whoever holds it and asks again waits for ever. */
class Lock {
  #free: Promise<void> = Promise.resolve();

  async acquire(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#free;
    this.#free = promise;
    await before;
    return resolve;
  }
}

const lockAcrossSend: Mutant = {
  name: "lock-across-send",
  upstream: ["F20"],
  does: "Holds a lock from the sending of an event to its acknowledgement, " +
    "which intake takes too, and takes it once more when the sending fails.",
  breaks: ["G14"],
  budget: 20,
  plant() {
    let lock = new Lock();
    return {
      core(options) {
        lock = new Lock();
        return withStore(options, (store) => ({
          async createEvent(tenant, event) {
            const release = await lock.acquire();
            try {
              return await store.createEvent(tenant, event);
            } finally {
              release();
            }
          },
        }));
      },
      patch: () =>
        replace(
          Link.prototype,
          "send",
          (send) =>
            async function (this: Link, message) {
              if (message.type !== "event") {
                return await send.call(this, message);
              }
              const release = await lock.acquire();
              try {
                await send.call(this, message);
              } catch (reason) {
                await lock.acquire();
                throw reason;
              }
              release();
            },
        ),
    };
  },
};

const noReaper: Mutant = {
  name: "no-lease",
  upstream: ["F33"],
  does: "Never ends what an agent has, whatever becomes of the agent.",
  breaks: ["G1"],
  budget: 50,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        async listDue(at, limit) {
          const due = await store.listDue(at, limit);
          return due.filter(({ state }) => state === "queued");
        },
      })),
  }),
};

/** All of them. */
export const QUEUE: readonly Mutant[] = [
  nothingSuperseded,
  newestFirst,
  releaseOnTicker,
  retriesNotCounted,
  lockAcrossSend,
  noReaper,
];
