/**
 * Seeds that once broke something. A change of the simulator makes another run
 * of a seed: what it did then can be seen at its commit.
 *
 * @module
 */

import type { Setting } from "./batch.ts";

/** A seed, and what it found. */
export interface Recorded extends Setting {
  /** The seed. */
  readonly seed: number;
  /** The commit at which it failed. */
  readonly commit: string;
  /** What was wrong. */
  readonly found: string;
}

/** Every recorded seed. */
export const RECORDED: readonly Recorded[] = [
  {
    seed: 409,
    commit: "0170093",
    found:
      "sending.ts: a cancellation that was read before its attempt ended, and heard of after, withheld the next attempt for ever",
    replicas: 2,
  },
  {
    seed: 836,
    commit: "b28bd1d",
    found:
      "workload.ts: a producer asked for ever for an agent that was deleted, and does not come back",
    replicas: 2,
  },
  {
    seed: 1917,
    commit: "b28bd1d",
    found:
      "roll.ts: that an agent goes on changes no event, and was never found by the replica that was not told",
    replicas: 2,
  },
  {
    seed: 2438,
    commit: "fe20941",
    found:
      "starts.ts: an end that only a control plane decided on is gone when an older copy of its store is put back",
  },
  {
    seed: 2734,
    commit: "fe20941",
    found:
      "store_disk.ts: putting a copy back decided everything again, and not all as before",
  },
  {
    seed: 2987,
    commit: "fe20941",
    found: "starts.ts: as 2438, with an event that ends its agent",
  },
  {
    seed: 3392,
    commit: "a1f397e",
    found:
      "bounded.ts: an end and a start of one moment were taken the wrong way round",
  },
  {
    seed: 3421,
    commit: "a1f397e",
    found:
      "deleted.ts: what was forgotten and is submitted once more is another event",
  },
  {
    seed: 5483,
    commit: "a1f397e",
    found: "bounded.ts: as 3392",
  },
  {
    seed: 10048,
    commit: "8f90b64",
    found:
      "agent.ts: SIGTERM came to the process before this one, which was dead and wrote to its journal",
  },
  {
    seed: 10156,
    commit: "8f90b64",
    found:
      "starts.ts: a cancellation knows only of the attempts that an older store knows",
  },
  {
    seed: 2199,
    commit: "6795726",
    found:
      "order.ts: what was cancelled, and let another one pass, an older store has open again",
  },
  {
    seed: 11410,
    commit: "6795726",
    found:
      "starts.ts: a cancellation between two attempts is not in the agent's memory",
  },
  {
    seed: 7178,
    commit: "6795726",
    found:
      "paused.ts: a call to resume that is not answered may have its effect after a later pause",
  },
  {
    seed: 26782,
    commit: "bf1f98e",
    found:
      "inbox.ts: an event passed those before it, which were refused for now, and whose refusals were lost with the link",
  },
  {
    seed: 23378,
    commit: "6bebef4",
    found:
      "operators.ts: a pause that was not answered had its effect after the last call to resume",
  },
  {
    seed: 25455,
    commit: "6bebef4",
    found:
      "stage.ts: a retry that was under way when a run without an end stopped had been seen, and was not in the history",
  },
  {
    seed: 40635,
    commit: "a17fae4",
    found:
      "restartStream(): what was adopted after a restore came before what the older store had released",
  },
  {
    seed: 54340,
    commit: "fffba37",
    found:
      "starts.ts: a retry that was answered before a cancellation had its effect after it: the calls overlapped",
  },
  {
    seed: 500660,
    commit: "529f392",
    found:
      "inventory.ts: what had ended by a clock that was wrong was left out after a restore, and nobody was told",
  },
  {
    seed: 504464,
    commit: "e33356c",
    found:
      "inbox.ts: an attempt that a restored store did not know of, begun by an earlier process, was acknowledged and not told of",
  },
  {
    seed: 504393,
    commit: "e33356c",
    found:
      "log_flow.ts: output of an attempt that a restored store did not know of was left out",
  },
  {
    seed: 507598,
    commit: "2a44a56",
    found:
      "windowed.ts: what ran for longer than the control plane waited for its end had a place in the window for ever",
  },
  {
    seed: 527419,
    commit: "2a44a56",
    found:
      "reaper.ts: what an agent held back was ended by a clock that was wrong, and started when that was right again",
  },
  {
    seed: 527912,
    commit: "2a44a56",
    found:
      "reaper.ts: what an agent was to leave was ended before it could answer, and its place in the window given away",
  },
  {
    seed: 508666,
    commit: "2a44a56",
    found:
      "sessions.ts: who had been asked what it remembers, and had not told, was forgotten with the process, and asked for less",
  },
  {
    seed: 552825,
    commit: "4d98078",
    found:
      "sessions.ts: an agent that was asked what it remembers, and had not told, was not asked again by the same process where its stream fitted",
  },
  {
    seed: 540158,
    commit: "4d98078",
    found:
      "output.ts: what an attempt put out before an event that an older store did not know was submitted again is gone",
  },
  {
    seed: 540694,
    commit: "4d98078",
    found: "output.ts: as 540158, of an attempt that failed",
  },
  {
    seed: 560912,
    commit: "4d98078",
    found:
      "dispatch.ts: a session that was replaced at another replica sent what was released to the newer one",
    replicas: 2,
  },
  {
    seed: 632560,
    commit: "086217c",
    found:
      "alarm.ts: what was ready by a clock that was ahead, and could not be had then, waited for ever once that was set back",
  },
  {
    seed: 571739,
    commit: "0f49bf5",
    found:
      "windowed.ts: an event that was half sent again when its agent said how it had ended was counted as one that the agent has",
  },
  {
    seed: 196,
    commit: "c983e25",
    found:
      "dispatch.ts: what became ready between a look for what is, and the look for what will be, waited for ever",
  },
  {
    seed: 804130,
    commit: "46fca42",
    found:
      "order.ts: what its agent had, when an older store was put back that had open again what had to go first, was asked to wait",
  },
  {
    seed: 804352,
    commit: "46fca42",
    found:
      "order.ts: what its agent had was counted as waiting beside a later one, as the older store that was put back did not know",
  },
  {
    seed: 810850,
    commit: "46fca42",
    found:
      "exchange.ts: an agent that took nothing any more gave credit for what it had not taken",
  },
  {
    seed: 905634,
    commit: "15991bc",
    found:
      "handshake.ts: an agent that was killed in an early event did not say that later ones had come, which the store that was restored had not sent",
  },
  {
    seed: 974547,
    commit: "2535b3a",
    found:
      "order.ts: what was out of time by a clock that was then set back was asked to go first",
  },
];
