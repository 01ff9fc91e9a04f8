import type { Clock } from "@transporter/sdk";
import type { Board, Seen } from "./board.ts";
import type { Cluster } from "./cluster.ts";
import type { PlannedObject } from "./plan.ts";
import { type PodProblem, podProblem } from "./pod_problem.ts";
import { WORKLOADS } from "./ready_workloads.ts";
import { fails, type Fields, recordOf, UNSEEN } from "./ready_parts.ts";
import { Reader } from "./reader.ts";
import { warningsAbout } from "./warning_events.ts";
import { podsOf } from "./workload_pods.ts";

/** Between two rounds, in milliseconds: what is ready in a moment needs no explanation, and what takes long is looked at less often. */
const ROUND_MS = { first: 1_500, last: 15_000, growth: 1.5 } as const;

/** Objects that are looked at in one round. */
const ROUND_MAX = 8;

/**
 * How long an image may not be pulled before it is given up, in milliseconds:
 * the kubelet tries after 10 s, 20 s, 40 s ..., so that four tries have failed.
 */
const PULL_GRACE_MS = 90_000;

/** What is told of several pods, first. */
const SEVERITY: readonly PodProblem["kind"][] = [
  "image",
  "crash",
  "pull",
  undefined,
];

/** What {@linkcode explainWaiting} needs. */
export interface WhyOptions {
  /** Where the objects are. */
  readonly cluster: Cluster;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** What is waited for, and where to say why. */
  readonly board: Board;
}

/** What was found out about an object. */
interface Finding {
  readonly why: string;
  readonly problem?: PodProblem | undefined;
}

/** Finds out why objects are not ready. */
class Why {
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #board: Board;
  /** When an object was looked at last, by the number of the round. */
  readonly #rounds = new Map<PlannedObject, number>();
  /** Since when images of an object cannot be pulled. */
  readonly #pulls = new Map<PlannedObject, number>();
  #round = 0;

  constructor({ cluster, signal, board }: WhyOptions) {
    this.#clock = cluster.clock;
    this.#board = board;
    this.#reader = new Reader({
      cluster,
      signal,
      warn: (warning) => board.warn(warning),
    });
  }

  /** Looks at some of the objects: the first, which is what people read about, and the others in turn. */
  async round(): Promise<void> {
    this.#round++;
    const [first, ...rest] = this.#board.waiting();
    if (first === undefined) return;
    const last = ({ object }: Seen) => this.#rounds.get(object) ?? 0;
    const turn = rest.toSorted((a, b) => last(a) - last(b));
    for (const seen of [first, ...turn].slice(0, ROUND_MAX)) {
      this.#rounds.set(seen.object, this.#round);
      await this.#look(seen);
    }
  }

  async #look({ object, state }: Seen): Promise<void> {
    // What is wrong now may be what the change is to repair.
    if (state.reason === UNSEEN.reason) return;
    const live = await this.#reader.get(object.path);
    if (live === undefined) return;
    const { why, problem } = await this.#find(object, live);
    this.#board.explain(object, why);
    const since = this.#pulledSince(object, problem);
    if (problem === undefined || !this.#isHopeless(object, problem, since)) {
      return;
    }
    this.#board.set(object, fails(state.reason));
  }

  async #find(object: PlannedObject, live: Fields): Promise<Finding> {
    const { group, kind, namespace } = object;
    const uid = String(recordOf(live.metadata).uid);
    if (WORKLOADS[`${group}/${kind}`] === undefined) {
      return { why: await this.#warnings([uid], { namespace }) };
    }
    const { maker, pods } = await podsOf(kind, live, {
      namespace,
      reader: this.#reader,
    });
    const troubled = pods.flatMap((pod) => {
      const problem = podProblem(recordOf(pod.status));
      return problem === undefined ? [] : [{ pod, problem }];
    });
    const worst = SEVERITY
      .map((kind) => troubled.find(({ problem }) => problem.kind === kind))
      .find((found) => found !== undefined);
    if (worst === undefined) {
      const uids = [...new Set([maker, uid])];
      return { why: await this.#warnings(uids, { namespace }) };
    }
    const { pod: { metadata }, problem } = worst;
    const { name, uid: podUid } = recordOf(metadata);
    const warnings = await this.#warnings([String(podUid)], {
      namespace,
      known: problem.reason,
    });
    // Of a Pod its own reason is known already.
    const said = kind === "Pod" ? [] : [`Pod "${name}": ${problem.reason}`];
    return { why: joined([...said, warnings]), problem };
  }

  /** What the last warnings about objects say besides what is known. */
  async #warnings(
    uids: readonly string[],
    { namespace, known = "" }: {
      readonly namespace: string;
      readonly known?: string;
    },
  ): Promise<string> {
    const texts: string[] = [];
    for (const uid of uids) {
      texts.push(...await warningsAbout(uid, namespace, this.#reader));
    }
    return joined(texts.filter((text) => !isSaidIn(known, text)));
  }

  /** Whether waiting on is of no use. */
  #isHopeless(
    { kind }: PlannedObject,
    { kind: cause }: PodProblem,
    since: number | undefined,
  ): boolean {
    switch (cause) {
      case "image":
        return true;
      case "crash":
        return kind !== "Job"; // which counts them itself
      case "pull":
        return since !== undefined &&
          this.#clock.monotonic() - since >= PULL_GRACE_MS;
      default:
        return false;
    }
  }

  /** Since when images of an object cannot be pulled, without a look in which they could. */
  #pulledSince(
    object: PlannedObject,
    problem: PodProblem | undefined,
  ): number | undefined {
    if (problem?.kind !== "pull") {
      this.#pulls.delete(object);
      return undefined;
    }
    const since = this.#pulls.get(object) ?? this.#clock.monotonic();
    this.#pulls.set(object, since);
    return since;
  }
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("; ");
}

/** An Event repeats what its pod says, with "Error: " before it. */
function isSaidIn(known: string, text: string): boolean {
  const message = text.replace(/^\w+: (?:Error: )?/, "").replace(/…$/, "");
  return known.includes(message);
}

/**
 * Says on the board why objects are not ready, as their pods and the last
 * warnings tell, and gives up those for which waiting is of no use. Goes on
 * until nothing is waited for, or its signal aborts.
 */
export async function explainWaiting(options: WhyOptions): Promise<void> {
  const { cluster: { clock }, signal, board } = options;
  const why = new Why(options);
  let pauseMs: number = ROUND_MS.first;
  for (;;) {
    await clock.sleep(pauseMs, { signal });
    await why.round();
    if (board.left === 0) return;
    pauseMs = Math.min(ROUND_MS.last, pauseMs * ROUND_MS.growth);
  }
}
