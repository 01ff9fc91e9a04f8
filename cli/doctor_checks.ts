import {
  formatDuration,
  isRecord,
  parseJson,
  TransporterError,
  withoutPassword,
} from "@transporter/sdk";
import type { Client } from "./client.ts";
import {
  checkAgentClocks,
  checkConnected,
  checkJournals,
  checkLinks,
  checkPaused,
  checkQuarantine,
  SKEW_MS_MAX,
  SKEW_MS_WARNING,
} from "./doctor_agents.ts";
import {
  checkAgentBroker,
  checkIngest,
  checkResults,
} from "./doctor_brokers.ts";
import type { Answer } from "./http.ts";
import type { Invocation } from "./invocation.ts";
import { problemOf } from "./problem.ts";
import { showBytes } from "./text.ts";

/** What a check found. */
export interface Finding {
  /** What was checked. */
  readonly check: string;
  /** Whether all is well; a warning is worth knowing, and no failure. */
  readonly result: "ok" | "warning" | "failed";
  /** What was found, one sentence without a final period. */
  readonly message: string;
  /** What to do about it; absent when all is well. */
  readonly cure?: string;
}

/** Long enough for a slow network, short enough for a person, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Less room on a disk is worth knowing, in bytes: a few hours of a busy control plane. */
const DISK_BYTES_WARNING = 1024 ** 3;

/** For so long a store that came back older is worth knowing, in milliseconds. */
const GAP_MS_WARNING = 24 * 3600 * 1000;

/** Failed events that are looked at. */
const EVENTS_MAX = 500;

/** An answer, and when it was asked for. */
interface Timed {
  readonly answer: Answer;
  readonly sentAt: number;
  readonly tookMs: number;
}

function bodyOf({ text }: Answer): Readonly<Record<string, unknown>> {
  try {
    const value = parseJson(text);
    return isRecord(value) ? value : {};
  } catch (error) {
    if (!(error instanceof TransporterError)) throw error;
    return {}; // a check that needs the body says what is missing
  }
}

async function ask(client: Client, path: string): Promise<Timed> {
  const { clock } = client.http.options;
  const [sentAt, start] = [clock.now(), clock.monotonic()];
  const answer = await client.http.ask(path, { timeoutMs: TIMEOUT_MS });
  return { answer, sentAt, tookMs: clock.monotonic() - start };
}

function checkReachable({ answer, tookMs }: Timed): Finding {
  const check = "reachable";
  const { version } = bodyOf(answer);
  // Whether it is ready is another question.
  if (typeof version === "string") {
    const ms = Math.max(1, Math.round(tookMs));
    return {
      check,
      result: "ok",
      message: `Version ${version} answers in ${ms} ms`,
    };
  }
  return {
    check,
    result: "failed",
    message: `Something else answers there, with status ${answer.status}`,
    cure: "name the control plane with --cp-url or TP_URL",
  };
}

function checkReady({ answer }: Timed, url: string): Finding {
  const check = "ready";
  if (answer.status === 200) {
    return { check, result: "ok", message: "It takes events" };
  }
  const { code, message } = problemOf({ ...answer, url });
  return {
    check,
    result: "failed",
    message,
    cure: code === "unavailable"
      ? "look at its log, and at what this names"
      : "look at its log, and at its store: the disk of its data folder, or its Redis",
  };
}

const DURABILITY: Readonly<Record<string, Omit<Finding, "check">>> = {
  fsync: { result: "ok", message: "Accepted events are on disk" },
  everysec: {
    result: "warning",
    message: "Accepted events are on disk within a second",
    cure: 'set "appendfsync always" in its Redis',
  },
  memory: {
    result: "warning",
    message:
      "Nothing says that accepted events are on disk: they may be lost when it or its store stops",
    cure:
      'start the control plane without --store memory:, or set "appendonly yes" and "appendfsync always" in its Redis and let its user read them (config|get)',
  },
};

function checkDurability({ answer }: Timed): Finding {
  const { durability } = bodyOf(answer);
  const known = typeof durability === "string" &&
      Object.hasOwn(DURABILITY, durability)
    ? DURABILITY[durability]
    : undefined;
  return {
    check: "durability",
    ...known ?? {
      result: "warning",
      message: "It does not say how safe accepted events are",
      cure: "run a control plane and a command of the same version",
    },
  };
}

/** Whether its store was found older than it was, within a day. */
function* checkGap({ answer, sentAt }: Timed): Generator<Finding> {
  const gap = bodyOf(answer)["store_gap"];
  const at = isRecord(gap) ? Date.parse(String(gap["found_at"])) : NaN;
  if (!isRecord(gap) || !(sentAt - at < GAP_MS_WARNING)) return;
  const ago = formatDuration(Math.round((sentAt - at) / 1000) * 1e9);
  yield {
    check: "store",
    result: "warning",
    message:
      `Its store came back older than it was, ${ago} ago: what was written after change ${
        Number(gap["is"])
      } of ${Number(gap["was"])} is gone, accepted events among it`,
    cure:
      "look for what happened to its Redis (docs/redis.md), and send again what is missing, with the same ids",
  };
}

/** Who shares its store, if somebody can. */
function* checkReplicas({ answer }: Timed): Generator<Finding> {
  const { replicas } = bodyOf(answer);
  if (!Array.isArray(replicas)) return;
  const names = replicas.map((name) => JSON.stringify(name));
  const message = names.length === 1
    ? `It is the only one on its store: ${names}`
    : `${names.length} share its store: ${names.join(", ")}`;
  yield { check: "replicas", result: "ok", message };
}

function checkClock({ answer, sentAt, tookMs }: Timed): Finding {
  const check = "clock";
  const theirs = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(theirs)) {
    return {
      check,
      result: "warning",
      message: "It does not tell its time",
      cure: "run a control plane and a command of the same version",
    };
  }
  // The header has whole seconds, and was written at some moment between question and answer.
  const ahead = sentAt - (theirs + 1000);
  const behind = theirs - (sentAt + tookMs);
  const skewMs = Math.round(Math.max(0, ahead, behind));
  const word = ahead > 0 ? "behind" : "ahead";
  const shown = formatDuration(skewMs * 1e6);
  if (skewMs <= SKEW_MS_WARNING) {
    return {
      check,
      result: "ok",
      message: "Its clock and this one show the same time",
    };
  }
  return {
    check,
    result: skewMs > SKEW_MS_MAX ? "failed" : "warning",
    message: `Its clock is ${shown} ${word} of this one`,
    cure: "set both by NTP; deadlines follow the control plane's",
  };
}

/** What is left on the disk of the store; nothing when it has none, or does not say. */
function* checkDisk({ answer }: Timed): Generator<Finding> {
  const { disk_free_bytes: free } = bodyOf(answer);
  if (typeof free !== "number") return;
  const message = `${showBytes(free)} are free on the disk of its store`;
  yield free >= DISK_BYTES_WARNING
    ? { check: "disk", result: "ok", message }
    : {
      check: "disk",
      result: "warning",
      message,
      cure:
        "make room: with less than 8 MiB it takes no more events; --retention and --events-max bound what it keeps",
    };
}

/** What agents and their events say. */
async function* checkAgents(client: Client): AsyncGenerator<Finding> {
  const { items: agents } = await client.agents();
  yield checkConnected(agents);
  yield* checkLinks(agents);
  yield checkPaused(agents);
  yield checkJournals(agents);
  yield checkAgentClocks(agents);
  const failed = { state: ["failed"], since: "24h" } as const;
  yield checkQuarantine((await client.events(failed, EVENTS_MAX)).items);
}

function failed(check: string, reason: unknown, cure: string): Finding {
  const { message } = TransporterError.from(reason);
  return { check, result: "failed", message, cure };
}

/**
 * Looks at what a command needs, one thing after the other; stops where what
 * follows could not be told.
 *
 * @param invocation Which control plane.
 * @returns What was found, as it is found.
 */
export async function* examine(
  invocation: Invocation,
): AsyncGenerator<Finding> {
  let client: Client;
  try {
    const { url, from } = await invocation.target();
    client = await invocation.client();
    const message = `The control plane is at ${
      withoutPassword(url)
    }, by ${from}`;
    yield { check: "configuration", result: "ok", message };
  } catch (error) {
    yield failed("configuration", error, "correct what it names");
    return;
  }
  let health: Timed;
  try {
    health = await ask(client, "/health");
  } catch (error) {
    const { message } = TransporterError.from(error); // says what to do already
    yield { check: "reachable", result: "failed", message };
    return;
  }
  const reachable = checkReachable(health);
  yield reachable;
  if (reachable.result === "failed") return;
  try {
    const ready = await ask(client, "/readyz");
    const finding = checkReady(ready, client.url);
    yield finding;
    if (finding.result === "ok") {
      yield checkDurability(ready);
      yield* checkGap(ready);
      yield* checkDisk(ready);
      yield* checkIngest(bodyOf(ready.answer));
      yield* checkResults(bodyOf(ready.answer));
      yield* checkReplicas(ready);
      yield* checkAgentBroker(bodyOf(ready.answer));
    }
    yield checkClock(health);
    yield* checkAgents(client);
  } catch (error) {
    yield failed("answers", error, "look at the log of the control plane");
  }
}
