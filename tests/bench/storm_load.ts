/**
 * Many agents in one process that come back by themselves, as real ones do:
 * with the agent's own way of dialling again. Prints a line of JSON, a
 * {@linkcode StormCount}, whenever asked to by a line on its input.
 *
 * Argument: a {@linkcode StormLoad} as JSON.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for
import {
  type Dial,
  silentLogger,
  systemClock,
  systemRng,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import { stayConnected } from "../../agent/connect.ts";
import type { SessionEnd } from "../../agent/session.ts";
import { dials } from "../../program/dials.ts";

/** Which agents. */
export interface StormLoad {
  /** Where agents dial. */
  readonly address: string;
  /** How many there are; `storm-0` is the first. */
  readonly agents: number;
}

/** Where they stand. */
export interface StormCount {
  /** Registered now. */
  readonly connected: number;
  /** Registrations since the start. */
  readonly registrations: number;
  /** Ends of wires and of dials since the start, by code, and by status where there was one. */
  readonly ends: Readonly<Record<string, number>>;
  /** When the last registration was welcomed, in milliseconds since 1970. */
  readonly lastAt: number;
}

/** Milliseconds between heartbeats, which nobody needs more often. */
const HEARTBEAT_MS = 15_000;

const load: StormLoad = JSON.parse(Deno.args[0] ?? "{}");
const open = new Set<Wire>();
const ends: Record<string, number> = {};
let registrations = 0;
let lastAt = 0;

function registration(id: string): string {
  return JSON.stringify({
    ...{ id, name: id, cluster_name: "storm", version: "0.1.0" },
    capabilities: ["script_exec"],
    link: {
      versions: [2],
      features: ["ack", "credit", "resume", "drain"],
      instance: `i-${id}`,
      window: 8,
      max_frame: 524_288,
      clock: new Date().toISOString(),
      executors: [{ type: "script", version: "1" }],
    },
  });
}

/** Talks as an agent does that does nothing but say that it is done. */
async function converse(wire: Wire, id: string): Promise<SessionEnd> {
  let epoch = "";
  let sid = 0;
  let since = 0;
  let spreadMs = 0;
  let away: SessionEnd["away"];
  let error: TransporterError | undefined;
  const say = (frame: unknown) => wire.send(JSON.stringify(frame));
  try {
    await wire.send(registration(id));
    for await (const text of wire.frames) {
      const frame = JSON.parse(text);
      if (frame.type === "welcome") {
        ({ epoch, status_upto: sid } = frame);
        open.add(wire);
        registrations++;
        lastAt = Date.now();
        since = performance.now();
        const next = frame.next_seq ?? frame.from_seq;
        await say({ type: "credit", limit_seq: next + 1_000 });
      } else if (frame.type === "heartbeat_ack") {
        spreadMs = frame.spread_ms ?? 0;
      } else if (frame.type === "drain") {
        away = {
          afterMs: frame.reconnect_after_ms,
          jitterMs: frame.jitter_ms,
        };
      } else if (frame.type === "event") {
        await say({ type: "ack", epoch, upto: frame.seq });
        await say({
          ...{ type: "status_update", event_id: frame.event.id, agent_id: id },
          ...{ state: "completed", phase: "completed", message: "Done" },
          ...{ sid: ++sid, attempt: frame.attempt, log_level: "info" },
          timestamp: new Date().toISOString(),
        });
      }
    }
  } catch (reason) {
    error = TransporterError.from(reason);
  }
  open.delete(wire);
  await wire.close();
  count(error);
  const livedMs = since === 0 ? 0 : performance.now() - since;
  return { error, livedMs, spreadMs, ...(away === undefined ? {} : { away }) };
}

function count(error: TransporterError | undefined): void {
  const status = error?.details?.["status"];
  const name = `${error?.code ?? "closed"}${status ? ` ${status}` : ""}`;
  ends[name] = (ends[name] ?? 0) + 1;
}

/** Dials as one agent does, each with its own knowledge of what goes through, and counts what does not. */
function countedDials(): Readonly<Record<string, Dial>> {
  return Object.fromEntries(
    Object.entries(dials({})).map(([scheme, dial]) => [
      scheme,
      async (url: URL, options: Parameters<Dial>[1]) => {
        try {
          return await dial(url, options);
        } catch (reason) {
          count(TransporterError.from(reason));
          throw reason;
        }
      },
    ]),
  );
}

for (let i = 0; i < load.agents; i++) {
  const id = `storm-${i}`;
  stayConnected({
    urls: [new URL(load.address)],
    dials: countedDials(),
    converse: (wire: Wire) => converse(wire, id),
    clock: systemClock,
    rng: systemRng,
    log: silentLogger,
    agentId: id,
    signal: new AbortController().signal,
  });
  // As fast as one process can begin them, without its queue for connections running over.
  if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 50));
}

setInterval(() => {
  const frame = JSON.stringify({
    type: "heartbeat",
    timestamp: new Date().toISOString(),
    metrics: {},
  });
  for (const wire of open) wire.send(frame).catch(() => {}); // it ends, and is counted
}, HEARTBEAT_MS);

for await (const _ of Deno.stdin.readable) {
  const said: StormCount = {
    connected: open.size,
    registrations,
    ends: { ...ends },
    lastAt,
  };
  console.log(JSON.stringify(said));
}
Deno.exit();
