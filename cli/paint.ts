import { styleText } from "node:util";
import type { Output } from "./host.ts";

/** How a word is shown. */
export type Style = "good" | "bad" | "warn" | "busy" | "dim" | "bold";

/** Gives a text its colour, or leaves it as it is. */
export type Paint = (text: string, style: Style | undefined) => string;

const FORMATS = {
  good: "green",
  bad: "red",
  warn: "yellow",
  busy: "cyan",
  dim: "dim",
  bold: "bold",
} as const;

const STYLES: Readonly<Record<string, Style>> = {
  // events
  created: "dim",
  queued: "dim",
  assigned: "busy",
  in_progress: "busy",
  received: "busy",
  validating: "busy",
  applying: "busy",
  verifying: "busy",
  completed: "good",
  failed: "bad",
  expired: "bad",
  cancelled: "warn",
  interrupted: "warn",
  // agents
  connected: "good",
  disconnected: "bad",
};

const OBJECT_STYLES: Readonly<Record<string, Style>> = {
  created: "good",
  configured: "warn",
  unchanged: "dim",
  deleted: "warn",
  skipped: "dim",
  drifted: "warn",
  missing: "bad",
  unverifiable: "warn",
  unknown: "bad",
  failed: "bad",
  not_attempted: "warn",
  // while its event runs
  pending: "dim",
  applying: "busy",
  comparing: "busy",
  deleting: "busy",
  patching: "busy",
  reading: "busy",
  waiting: "busy",
  ready: "good",
};

/** The style of a state, a phase, or of an agent's connection. */
export function styleOf(word: string): Style | undefined {
  return Object.hasOwn(STYLES, word) ? STYLES[word] : undefined;
}

/** The style of what became of an object in a cluster. */
export function objectStyleOf(status: string): Style | undefined {
  return Object.hasOwn(OBJECT_STYLES, status)
    ? OBJECT_STYLES[status]
    : undefined;
}

/** No colour. */
export const plain: Paint = (text) => text;

const colour: Paint = (text, style) =>
  style === undefined
    ? text
    : styleText(FORMATS[style], text, { validateStream: false });

/**
 * Decides about colour: only on a terminal, and only if nobody minds.
 *
 * @param output Where the text goes.
 * @param options `env`: the environment; `color`: false with `--no-color`.
 * @see {@link https://no-color.org}
 */
export function paintFor(
  output: Output,
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly color: boolean;
  },
): Paint {
  const { env, color } = options;
  const wanted = color && output.isTerminal && !env["NO_COLOR"] &&
    env["TERM"] !== "dumb";
  return wanted ? colour : plain;
}
