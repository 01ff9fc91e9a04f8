import { isRecord, type OutputStream } from "@transporter/sdk";

/** What a script used, all of its processes that ended and were waited for. */
export interface Usage {
  /** Processor time in its own code, in nanoseconds. */
  readonly user_time: number;
  /** Processor time in the kernel for it, in nanoseconds. */
  readonly system_time: number;
  /** The most memory that one of its processes had; absent: less than what runs it, some 40 MiB. */
  readonly memory_max_bytes?: number;
}

/** What a line of the shim says. */
export type Frame =
  | { readonly stream: OutputStream; readonly text: string }
  | { readonly usage: Usage };

/**
 * Reads a line of the shim. What is none comes from what stands before it in the
 * Pod, which has only complaints.
 */
export function readFrame(line: string): Frame {
  const value = jsonOf(line.slice(1));
  const stream = line[0] === "o" ? "stdout" : "stderr";
  if ((line[0] === "o" || line[0] === "e") && typeof value === "string") {
    return { stream, text: value };
  }
  if (line[0] === "u" && isUsage(value)) return { usage: value };
  return { stream: "stderr", text: `${line}\n` };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isUsage(value: unknown): value is Usage {
  return isRecord(value) &&
    ["user_time", "system_time"].every((key) =>
      Number.isSafeInteger(value[key])
    ) && Number.isSafeInteger(value["memory_max_bytes"] ?? 0);
}
