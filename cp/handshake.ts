import {
  formatTime,
  FRAME_BYTES_MAX,
  inventoryDigest,
  isAgentId,
  isRecord,
  type LinkFeature,
  parseJson,
  type RegistrationFrame,
  type ReplyFrame,
  type WelcomeFrame,
  type Wire,
} from "@transporter/sdk";
import type { Attempt } from "./sending.ts";
import type { AgentRecord } from "./store/store.ts";
import type { WindowLimits } from "./window.ts";

/** Characters of a registration as JSON: all that an agent says of itself is kept. */
const REGISTRATION_CHARS_MAX = 64 * 1024;

/** What this control plane can do on a link of version 2. */
const FEATURES: readonly LinkFeature[] = [
  "ack",
  "parts",
  "resume",
  "credit",
  "cancel",
  "drain",
  "logs",
  "log_ack",
  "backlog",
];

/** The fields that a v1 agent must fill in, and upstream's name for each. */
const REQUIRED = [
  ["id", "agent ID"],
  ["name", "agent name"],
  ["cluster_name", "cluster name"],
  ["version", "agent version"],
] as const;

/**
 * A wire whose first frame was read already, and has every field of a
 * registration: a field that is missing reads as empty, as Go reads it, so that
 * its sender gets the same answer.
 */
export function lenient(
  wire: Wire,
  first: string,
  rest: AsyncIterator<string>,
): Wire {
  // By hand: a generator around another would cost each frame and each wire something.
  let begun = false;
  const frames: AsyncIterableIterator<string> = {
    next() {
      if (begun) return rest.next();
      begun = true;
      return Promise.resolve({ done: false, value: filled(first) });
    },
    async return() {
      await rest.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => frames,
  };
  return {
    frames,
    send: (frame) => wire.send(frame),
    close: (reason) => wire.close(reason),
  };
}

function filled(text: string): string {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return text; // the link refuses it, with the reason
  }
  if (!isRecord(value) || "type" in value || "error" in value) return text;
  const empty = { id: "", name: "", cluster_name: "", version: "" };
  return JSON.stringify({ ...empty, capabilities: [], ...value });
}

/** What is wrong with a registration, in the words of upstream's control plane; `undefined` when nothing is. */
export function faultOf(registration: RegistrationFrame): string | undefined {
  for (const [field, name] of REQUIRED) {
    if (registration[field] === "") return `${name} is required`;
  }
  if (registration.capabilities.length === 0) {
    return "at least one capability is required";
  }
  if (!isAgentId(registration.id)) {
    return "agent ID must be 1 to 128 letters, digits, dots, underscores and hyphens";
  }
  if (JSON.stringify(registration).length > REGISTRATION_CHARS_MAX) {
    return `registration must have at most ${REGISTRATION_CHARS_MAX} characters`;
  }
  return undefined;
}

/** The best version of the link that both speak; `undefined` when there is none. */
export function versionOf({ link }: RegistrationFrame): 1 | 2 | undefined {
  if (link === undefined) return 1;
  if (link.versions.includes(2)) return 2;
  return link.versions.includes(1) ? 1 : undefined;
}

/** What both ends of a link can do; nothing on a link of version 1. */
export function featuresOf(
  { registration: { link }, agent }: Pick<Agreement, "registration" | "agent">,
): readonly LinkFeature[] {
  if (agent.linkVersion === 1) return [];
  return FEATURES.filter((name) => link?.features.includes(name));
}

/** What both sides know after a registration. */
export interface Agreement {
  /** What the agent said. */
  readonly registration: RegistrationFrame;
  /** The agent with this session. */
  readonly agent: AgentRecord;
  /** The session's id. */
  readonly session: string;
}

/** How much an agent gets at a time: what it asks for, and no more than anybody; one event in version 1. */
export function windowFor(
  { registration: { link }, agent }: Pick<Agreement, "registration" | "agent">,
  { windowMax, windowBytesMax }: {
    readonly windowMax: number;
    readonly windowBytesMax: number;
  },
): WindowLimits {
  const asked = agent.linkVersion === 1 ? 1 : Math.max(1, link?.window ?? 1);
  return { eventsMax: Math.min(asked, windowMax), bytesMax: windowBytesMax };
}

/** The first reply: flat, and all values strings, since upstream's agent dies of anything else. */
export function replyTo({ agent, session }: Agreement): ReplyFrame {
  return {
    type: "reply",
    status: "registered",
    message: `Agent ${agent.id} registered successfully`,
    ...(agent.linkVersion === 2 ? { link: "2", session } : {}),
  };
}

/** What the store knows about the stream that an agent remembers. */
export interface Remembrance {
  /** The attempts that the agent has, or may have. */
  readonly attempts: readonly Attempt[];
  /** Whether the store cannot have gone back in time since it had all that the agent remembers. */
  readonly unbroken: boolean;
}

/** Where two memories are found to stand. */
export interface Resumption {
  /** In a word. */
  readonly resume: WelcomeFrame["resume"];
  /** Everything up to this `seq` is in the agent's hands and need not be sent again. */
  readonly recv: number;
}

/**
 * Compares what an agent remembers with what the store knows. A stream that the
 * store does not know, or not as far, says that the store was restored from an
 * older copy; so may, after a restart, attempts that only one of the two has
 * open. While the store was in use all the time, those were merely on their way
 * when the last link ended.
 */
export function resumptionOf(
  agreement: Pick<Agreement, "registration" | "agent">,
  { attempts, unbroken }: Remembrance,
): Resumption {
  const { registration: { link }, agent: { epoch, nextSeq } } = agreement;
  if (link?.resume === undefined) return { resume: "fresh", recv: 0 };
  const { epoch: theirs, recv, seen = recv, inventory } = link.resume;
  const fits = theirs === epoch && Math.max(recv, seen) < nextSeq;
  const same = inventory !== undefined &&
    inventory.sha256 === inventoryDigest(attempts).sha256;
  if (fits && same) return { resume: "resumed", recv };
  const canTell = featuresOf(agreement).includes("resume");
  if (fits && (unbroken || !canTell)) return { resume: "resumed", recv: 0 };
  return { resume: canTell ? "reconcile" : "fresh", recv: 0 };
}

/** Options of {@linkcode welcomeTo}. */
export interface WelcomeOptions {
  /** Where the two memories stand. */
  readonly resume: WelcomeFrame["resume"];
  /** The stream's name. */
  readonly epoch: string;
  /** The number that the next new event gets; absent when that is not known yet. */
  readonly nextSeq?: number;
  /** The lowest `seq` that is sent again, if any is. */
  readonly seqMin: number | undefined;
  /** Milliseconds between heartbeats. */
  readonly heartbeatMs: number;
  /** Milliseconds without any frame after which a session is over. */
  readonly idleMs: number;
  /** Now. */
  readonly now: number;
}

/** The second frame of version 2: what was agreed on. */
export function welcomeTo(
  agreement: Agreement,
  options: WelcomeOptions,
): WelcomeFrame {
  const { agent, session } = agreement;
  const { resume, epoch, nextSeq, seqMin, heartbeatMs, idleMs, now } = options;
  return {
    type: "welcome",
    v: 2,
    session,
    gen: agent.gen,
    epoch,
    resume,
    from_seq: seqMin ?? nextSeq ?? 1,
    ...(nextSeq === undefined ? {} : { next_seq: nextSeq }),
    status_upto: agent.statusUpto,
    features: featuresOf(agreement),
    heartbeat_ms: heartbeatMs,
    idle_ms: idleMs,
    max_frame: FRAME_BYTES_MAX,
    server_time: formatTime(now),
  };
}
