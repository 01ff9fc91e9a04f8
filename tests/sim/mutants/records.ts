/**
 * Records that are written or read otherwise than they should be.
 *
 * @module
 */
import {
  formatTime,
  isTerminal,
  type State,
  TransporterError,
} from "@transporter/sdk";
import { Recorder } from "../../../cp/recorder.ts";
import { readReport } from "../../../cp/report.ts";
import type { EventRecord } from "../../../cp/store/store.ts";
import { type Mutant, replace, withStore } from "./mutant.ts";

const assignedLate: Mutant = {
  name: "assigned-written-late",
  upstream: ["F40"],
  does: 'Writes "assigned" after the event was sent, over whatever there is.',
  breaks: ["G1", "G3"],
  budget: 20,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        async releaseEvents(tenant, release) {
          const { clock, rng } = options;
          const released = await store.releaseEvents(tenant, release);
          for (const { record: { spec: { id }, attempt } } of released) {
            clock.sleep(rng.next() * 50).then(() =>
              store.changeEvent(tenant, id, (record) => ({
                status: {
                  event_id: id,
                  agent_id: "",
                  state: "assigned",
                  message: "Event assigned",
                  log_level: "info",
                  timestamp: formatTime(clock.now()),
                  attempt: Math.max(attempt, record.attempt),
                },
              }))
            ).catch(() => {});
          }
          return released;
        },
      })),
  }),
};

const historyReplaced: Mutant = {
  name: "history-replaced",
  upstream: ["F41"],
  does: "Puts each entry of an event's history in the place of the one before.",
  breaks: ["G3"],
  budget: 50,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        changeEvent: (tenant, id, decide, fence) =>
          store.changeEvent(tenant, id, (record) => {
            const change = decide(record);
            return change && { ...change, replaces: true };
          }, fence),
      })),
  }),
};

const noGuard: Mutant = {
  name: "no-monotonic-guard",
  upstream: ["F42"],
  does: "Records whatever state an agent tells, in the order that it comes.",
  breaks: ["G1", "G3"],
  budget: 50,
  plant() {
    let now = () => 0;
    return {
      core(options) {
        now = () => options.clock.now();
        return options;
      },
      patch: () =>
        replace(
          Recorder.prototype,
          "status",
          () =>
            async function (this: Recorder, tenant, frame, fence) {
              const at = now();
              const { agent } = fence;
              const { result: _, ...status } = readReport(frame, {
                agent,
                now: at,
              });
              const finished = isTerminal(frame.state)
                ? { finishedAt: at }
                : {};
              const step = await this.change(
                tenant,
                frame.event_id,
                () => ({ status, ...finished }),
                fence,
              );
              return step === undefined ? "unknown_event" : "recorded";
            },
        ),
    };
  },
};

const lostUpdate: Mutant = {
  name: "no-compare-and-swap",
  upstream: ["F43"],
  does: "Reads a record, decides, and writes, whatever was written meanwhile.",
  breaks: ["G1", "G2", "G3"],
  budget: 100,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        async changeEvent(tenant, id, decide, fence) {
          const record = await store.getEvent(tenant, id);
          const change = record && decide(record);
          if (record === undefined || change === undefined) {
            return record && { record, changed: false };
          }
          return await store.changeEvent(tenant, id, () => change, fence);
        },
      })),
  }),
};

const errorIsNotFound: Mutant = {
  name: "error-is-not-found",
  upstream: ["F44"],
  does: "Takes an event for unknown when the store does not answer.",
  breaks: ["G1", "G3"],
  budget: 50,
  plant: () => ({
    core: (options) =>
      withStore(options, (store) => ({
        getEvent: (tenant, id) => orUndefined(store.getEvent(tenant, id)),
        changeEvent: (tenant, id, decide, fence) =>
          orUndefined(store.changeEvent(tenant, id, decide, fence)),
      })),
  }),
};

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (reason) {
    if (TransporterError.from(reason).code === "store_unavailable") {
      return undefined;
    }
    throw reason;
  }
}

const staleIndex: Mutant = {
  name: "stale-index",
  upstream: ["F45"],
  does: "Never takes an event out of the list of a state that it left.",
  breaks: ["G3"],
  budget: 50,
  plant() {
    const been = new Map<string, Set<State>>();
    function note({ spec: { id }, state }: EventRecord) {
      been.set(id, (been.get(id) ?? new Set()).add(state));
    }
    return {
      core: (options) =>
        withStore(options, (store) => ({
          async createEvent(tenant, event) {
            const creation = await store.createEvent(tenant, event);
            if (creation.record !== undefined) note(creation.record);
            return creation;
          },
          async changeEvent(tenant, id, decide, fence) {
            const step = await store.changeEvent(tenant, id, decide, fence);
            if (step !== undefined) note(step.record);
            return step;
          },
          async listEvents(tenant, { states, ...query }) {
            const records = await store.listEvents(tenant, query);
            return records.filter(({ spec: { id }, state }) =>
              states === undefined || states.includes(state) ||
              states.some((state) => been.get(id)?.has(state))
            );
          },
        })),
    };
  },
};

/** All of them. */
export const RECORDS: readonly Mutant[] = [
  assignedLate,
  historyReplaced,
  noGuard,
  lostUpdate,
  errorIsNotFound,
  staleIndex,
];
