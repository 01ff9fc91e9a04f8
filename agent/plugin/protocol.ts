/**
 * What crosses the pipe between an agent and an isolated plugin: one JSON
 * object a line, down on standard input, up on standard output. A line up
 * carries a mark that is made anew for each process, so that what a plugin
 * prints is not taken for an answer.
 *
 * @module
 */
import {
  type ErrorBody,
  isRecord,
  type LogLevel,
  type OutputStream,
  TransporterError,
} from "@transporter/sdk";

/** The version of this protocol; both ends come with one program, so another one is a mistake. */
export const PROTOCOL = 1;

/** Characters of one message, as long as a whole event and its frame may be. */
export const MESSAGE_CHARS_MAX = 16 * 1024 * 1024;

/**
 * Reports that may be on their way: a plugin that awaits each waits only when
 * there are more, so that most cost no round trip.
 */
export const REPORTS_AHEAD = 16;

/** What a plugin can be asked. */
export type CallName = "facts" | "validate" | "apply" | "verify" | "recover";

/** What of an attempt's context crosses the pipe. */
export interface CallContext {
  /** See `ExecutorContext.idempotencyKey`. */
  readonly idempotencyKey: string;
  /** See `ExecutorContext.createdAt`. */
  readonly createdAt: string;
  /** See `ExecutorContext.attempt`. */
  readonly attempt: number;
  /** See `ExecutorContext.deadline`. */
  readonly deadline: number;
  /** See `ExecutorContext.again`. */
  readonly again: boolean;
}

/** What an agent says. */
export type Down =
  | {
    readonly t: "open";
    readonly protocol: number;
    readonly mark: string;
    readonly name: string;
    /** `describe`: only says what it serves, and opens nothing. */
    readonly what: "open" | "describe";
    readonly config: unknown;
  }
  | {
    readonly t: "call";
    readonly id: number;
    readonly call: CallName;
    /**
     * For `facts`, `validate` and `recover`. The plan and the result stay where
     * they were made; for `verify` this is a result that was made elsewhere.
     */
    readonly payload?: unknown;
    /** For all but `facts`. */
    readonly context?: CallContext;
  }
  | { readonly t: "abort"; readonly id: number; readonly reason: ErrorBody }
  /** Reports up to this one are recorded. */
  | { readonly t: "reported"; readonly n: number }
  | {
    readonly t: "secret";
    readonly n: number;
    readonly value?: string;
    readonly error?: ErrorBody;
  }
  | { readonly t: "close" };

/** What a plugin says. */
export type Up =
  | {
    readonly t: "opened";
    /** Whether it has `Executor.acknowledged`, which isolated plugins are not told. */
    readonly acknowledged?: boolean;
    readonly type: string;
    readonly version: string;
  }
  | { readonly t: "refused"; readonly error: ErrorBody }
  | { readonly t: "done"; readonly id: number; readonly value: unknown }
  | { readonly t: "failed"; readonly id: number; readonly error: ErrorBody }
  | {
    readonly t: "report";
    readonly n: number;
    readonly message: string;
    readonly details?: Readonly<Record<string, unknown>>;
  }
  | {
    readonly t: "secret";
    readonly n: number;
    readonly name: string;
  }
  | {
    readonly t: "output";
    readonly stream: OutputStream;
    readonly text: string;
  }
  | {
    readonly t: "log";
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: Readonly<Record<string, unknown>>;
  };

/** What `facts` comes to: what an agent has to know of a payload before it runs. */
export interface Facts {
  /** What is wrong with it; then nothing else counts. */
  readonly issues?: readonly string[];
  /** See `Executor.keys`. */
  readonly keys: readonly string[];
  /** See `Executor.repeatable`. */
  readonly repeatable: boolean;
  /** See `Executor.standing`. */
  readonly standing: boolean;
}

/** What each message up has to have, besides what is `unknown`. */
const SHAPES: Readonly<Record<Up["t"], Readonly<Record<string, string>>>> = {
  opened: { type: "string", version: "string" },
  refused: { error: "error" },
  done: { id: "number" },
  failed: { id: "number", error: "error" },
  report: { n: "number", message: "string" },
  secret: { n: "number", name: "string" },
  output: { stream: "string", text: "string" },
  log: { level: "string", message: "string", fields: "object" },
};

const LEVELS: readonly string[] = ["debug", "info", "warn", "error"];

function fits(value: unknown, shape: string): boolean {
  if (shape === "number") return typeof value === "number";
  if (shape === "string") return typeof value === "string";
  if (shape === "object") return isRecord(value);
  return isRecord(value) && typeof value["code"] === "string" &&
    typeof value["message"] === "string";
}

/**
 * Reads what a plugin said. A plugin is not trusted: whatever does not fit is
 * its failure.
 *
 * @throws {TransporterError} `plugin_failed`.
 */
export function readUp(json: string): Up {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // Refused below, with all else that does not fit.
  }
  if (isRecord(value) && Object.hasOwn(SHAPES, String(value["t"]))) {
    const shape = SHAPES[value["t"] as Up["t"]];
    const whole = Object.entries(shape).every(([key, each]) =>
      fits(value[key], each)
    );
    const known = value["t"] !== "log" ||
      LEVELS.includes(String(value["level"]));
    const named = value["t"] !== "output" || value["stream"] === "stdout" ||
      value["stream"] === "stderr";
    const detailed = value["t"] !== "report" ||
      value["details"] === undefined || isRecord(value["details"]);
    if (whole && known && named && detailed) return value as unknown as Up;
  }
  throw new TransporterError(
    "plugin_failed",
    `Cannot understand what the plugin says: ${json.slice(0, 200)}`,
  );
}
