import { type OutputStream, parseTime } from "@transporter/sdk";
import type { Place } from "./log_text.ts";
import { ANNOTATIONS } from "./objects.ts";
import { type Fields, fieldsOf } from "./pod.ts";

/** How far the log of a Job was read. */
export interface Read {
  /** Up to where it was passed on. */
  readonly place: Place;
  /** Bytes that were passed on until there. */
  readonly bytes: Readonly<Record<OutputStream, number>>;
}

/** What a Job says to an agent that finds it again. */
export interface Found {
  /** Whether it was told to begin. */
  readonly isBegun: boolean;
  /** Whether its log is that of the shim. */
  readonly isFramed: boolean;
  /** How far its log was read; absent: nobody has noted it. */
  readonly read: Read | undefined;
  /** When it was made, in milliseconds since 1970; absent: that cannot be read. */
  readonly createdAt: number | undefined;
  /** What people should know of how it is run. */
  readonly warnings: readonly string[];
}

/** Reads what a Job says. */
export function foundOf(job: Fields): Found {
  const metadata = fieldsOf(job["metadata"]);
  const annotations = fieldsOf(metadata["annotations"]);
  const warnings = jsonOf(annotations[ANNOTATIONS.warnings]);
  return {
    isBegun: fieldsOf(job["spec"])["suspend"] !== true,
    isFramed: annotations[ANNOTATIONS.framed] === "true",
    read: readOf(annotations[ANNOTATIONS.read]),
    createdAt: parseTime(String(metadata["creationTimestamp"])),
    warnings: Array.isArray(warnings) ? warnings.map(String) : [],
  };
}

/** The annotation that {@linkcode foundOf} reads `read` from. */
export function readText({ place, bytes }: Read): string {
  return JSON.stringify({ ...place, bytes });
}

function readOf(text: unknown): Read | undefined {
  const { time, index, chars, bytes } = fieldsOf(jsonOf(text));
  if (
    typeof time !== "string" || typeof index !== "number" ||
    typeof chars !== "number"
  ) return undefined;
  const { stdout, stderr } = fieldsOf(bytes);
  return {
    place: { time, index, chars },
    bytes: { stdout: Number(stdout ?? 0), stderr: Number(stderr ?? 0) },
  };
}

/** An annotation that somebody else has changed says nothing. */
function jsonOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
