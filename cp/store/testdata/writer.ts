/**
 * Writes to a store until it is killed, and says what was acknowledged: a line
 * of JSON for each. The path of the store comes through standard input.
 */
import { openSqliteStore } from "../sqlite.ts";
import { added, event, session, T, to } from "../testing/samples.ts";

const path = await new Response(Deno.stdin.readable).text();
const store = await openSqliteStore({ path });
const { gen } = await store.openSession(T, session("edge-1"));
let sid = 0;

function say(fact: Readonly<Record<string, unknown>>): void {
  // deno-lint-ignore no-console -- this is what the test reads
  console.log(JSON.stringify(fact));
}

async function write(worker: number): Promise<never> {
  for (let i = 0;; i++) {
    const id = `g${gen}-w${worker}-${i}`;
    const payload = { text: "x".repeat(i % 7 === 0 ? 50_000 : 100) };
    const record = await added(store, T, event(id, { spec: { payload } }));
    say({ id, revision: record.revision, bytes: record.bytes });
    for (const state of ["assigned", "in_progress", "completed"] as const) {
      const fence = { agent: "edge-1", gen, sid: ++sid };
      const changed = await store.changeEvent(T, id, to(state), fence);
      say({ id, revision: changed?.record.revision, state, gen, sid: fence.sid });
    }
  }
}

await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(write));
