import {
  type AgentFigures,
  formatTime,
  type HeartbeatFrame,
  isRecord,
} from "@transporter/sdk";

/** A whole number that an agent says, or nothing: what it sends may be anything. */
function whole(value: unknown, min = 0): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) &&
      value >= min
    ? value
    : undefined;
}

/** Types that an agent names: at most so many. */
const TYPES_MAX = 64;

/** Names of event types, some at least, or nothing. */
function typesOf(value: unknown): readonly string[] | undefined {
  const types = Array.isArray(value) ? value.slice(0, TYPES_MAX) : [];
  const isSound = types.every((type) =>
    typeof type === "string" && type.length <= 128
  );
  return types.length > 0 && isSound ? types : undefined;
}

/**
 * Reads what an agent says of itself with a heartbeat.
 *
 * @param frame The heartbeat; figures that are not known here are left out.
 * @param now When it came.
 * @returns `undefined` when it says nothing of itself, as agents of version 1.
 */
export function figuresOf(
  { metrics }: HeartbeatFrame,
  now: number,
): AgentFigures | undefined {
  if (!isRecord(metrics)) return undefined;
  const { taking } = metrics;
  const figures = {
    running: whole(metrics["running"]),
    waiting: whole(metrics["waiting"]),
    unacknowledged: whole(metrics["unacknowledged"]),
    journal_bytes: whole(metrics["journal_bytes"]),
    clock_offset_ms: whole(metrics["clock_offset_ms"], -Infinity),
    taking: typeof taking === "boolean" ? taking : undefined,
    types_not_taken: typesOf(metrics["types_not_taken"]),
  };
  const said = Object.entries(figures).filter(([, value]) =>
    value !== undefined
  );
  return said.length === 0
    ? undefined
    : { at: formatTime(now), ...Object.fromEntries(said) };
}
