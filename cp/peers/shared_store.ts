import type { CommitNote, SharedStore } from "../store/shared.ts";
import type { News, NewsListener, Peers } from "./port.ts";

/** Options of {@linkcode peersOf}. */
export interface PeersOptions {
  /** What this control plane is called, for people. */
  readonly name: string;
}

/** What those know of each other who have a store open: the store tells. */
export function peersOf(store: SharedStore, { name }: PeersOptions): Peers {
  return {
    self: { id: store.self, name },
    get gap() {
      return store.gap;
    },
    hear: (listener) => hear(store, listener),
    onOlder: (listener) => store.onOlder(listener),
    beat: (seating) => store.seats.beat(name, seating),
    replicas: () => store.seats.replicas(),
    seats: (tenant) => store.seats.seats(tenant),
  };
}

function hear(store: SharedStore, listener: NewsListener): Disposable {
  let over = false;
  const listening = store.listen({
    committed: (note) => over || listener(newsOf(note)),
    missed: () => over || listener({ kind: "missed" }),
  });
  // Where it cannot begin, everything is found a second later.
  listening.catch(() => over || listener({ kind: "missed" }));
  return {
    [Symbol.dispose]() {
      over = true;
      listening.then((it) => it[Symbol.asyncDispose](), () => {});
    },
  };
}

function newsOf(
  { from: by, tenant, agent, event, first, last }: CommitNote,
): News {
  return event === undefined
    ? { kind: "agent", by, tenant, agent }
    : { kind: "event", by, tenant, agent, event, first, last };
}
