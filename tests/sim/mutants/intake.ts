/**
 * Events that are accepted otherwise than they should be.
 *
 * @module
 */
import { isTerminal } from "@transporter/sdk";
import { isReleased, queued, reopen } from "../../../cp/life.ts";
import { requeue } from "../../../cp/life/entry.ts";
import { Recorder } from "../../../cp/recorder.ts";
import { newRecord } from "../../../cp/store/record.ts";
import type { EventRecord, Store } from "../../../cp/store/store.ts";
import { type Mutant, replace, withStore } from "./mutant.ts";

const acceptBeforeFsync: Mutant = {
  name: "accept-before-fsync",
  upstream: [],
  does: "Answers 202 while the event is on its way to the disk.",
  breaks: ["G1", "G3"],
  budget: 50,
  plant() {
    let store: Store | undefined;
    return {
      core(options) {
        store = options.store;
        return options;
      },
      patch: () =>
        replace(
          Recorder.prototype,
          "create",
          (create) =>
            async function (this: Recorder, tenant, event) {
              const { spec, acceptedAt } = event;
              const known = await store?.getEvent(tenant, spec.id);
              const creating = create.call(this, tenant, event);
              if (known !== undefined || spec.supersedes !== undefined) {
                return await creating;
              }
              creating.catch(() => {});
              const whole = { ...event, ...queued(spec, acceptedAt) };
              const record = newRecord(tenant, whole, { enq: 0, bytes: 0 });
              return { created: true, record };
            },
        ),
    };
  },
};

const queueInMemory: Mutant = {
  name: "queue-in-memory",
  upstream: ["F01", "F03"],
  does: "Keeps the queue in memory: what a process of the control plane did " +
    "not queue itself it does not release.",
  breaks: ["G1"],
  budget: 50,
  plant: () => ({
    core(options) {
      const mine = new Set<string>();
      return withStore(options, (store) => ({
        async createEvent(tenant, event) {
          const creation = await store.createEvent(tenant, event);
          if (creation.created) mine.add(event.spec.id);
          return creation;
        },
        async changeEvent(tenant, id, decide, fence) {
          const step = await store.changeEvent(tenant, id, decide, fence);
          if (step?.changed && step.record.state === "queued") mine.add(id);
          return step;
        },
        releaseEvents: (tenant, release) =>
          store.releaseEvents(tenant, {
            ...release,
            decide: (record) =>
              mine.has(record.spec.id) ? release.decide(record) : undefined,
          }),
      }));
    },
  }),
};

const noDedupeAtIntake: Mutant = {
  name: "no-dedupe-at-intake",
  upstream: ["F48"],
  does: "Queues an event anew each time that it is submitted.",
  breaks: ["G2", "G3"],
  budget: 50,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        async createEvent(tenant, event) {
          const creation = await store.createEvent(tenant, event);
          if (creation.created || creation.record === undefined) {
            return creation;
          }
          const now = options.clock.now();
          const step = await store.changeEvent(
            tenant,
            event.spec.id,
            (record) => again(record, now),
          );
          return { created: true, record: step?.record ?? creation.record };
        },
      })),
  }),
};

function again(record: EventRecord, now: number) {
  if (isTerminal(record.state)) {
    return reopen(record, { principal: "producer", now });
  }
  if (!isReleased(record.state)) return undefined;
  const error = { code: "failed", message: "Submitted again" } as const;
  return requeue(record, { message: error.message, error }, now);
}

const halfWrittenEvent: Mutant = {
  name: "half-written-event",
  upstream: ["F46"],
  does: "Writes the record of an event and its place in the queue one after " +
    "the other: what fails in between leaves the record alone.",
  breaks: ["G1"],
  budget: 50,
  plant() {
    /** On disk, and not in the queue; whatever process of the control plane there is. */
    const halves = new Set<string>();
    return {
      core: (options) =>
        withStore(options, (store) => ({
          async createEvent(tenant, event) {
            const { id } = event.spec;
            if (await store.getEvent(tenant, id) === undefined) halves.add(id);
            const creation = await store.createEvent(tenant, event);
            if (creation.created) {
              await store.probe(); // the second write
              halves.delete(id);
            }
            return creation;
          },
          releaseEvents: (tenant, release) =>
            store.releaseEvents(tenant, {
              ...release,
              decide: (record) =>
                halves.has(record.spec.id) ? undefined : release.decide(record),
            }),
        })),
    };
  },
};

/** All of them. */
export const INTAKE: readonly Mutant[] = [
  acceptBeforeFsync,
  queueInMemory,
  noDedupeAtIntake,
  halfWrittenEvent,
];
