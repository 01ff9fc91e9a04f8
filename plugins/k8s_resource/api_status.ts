import { isRecord } from "@transporter/sdk";
import type { ApiAnswer } from "./answer.ts";

/** One thing that the server says about a refusal. @see {@link https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#statuscause-v1-meta} */
interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** The API server's `Status`, as far as it is looked at. */
export interface Status {
  readonly reason: string;
  readonly message: string;
  readonly kind: string;
  readonly causes: readonly Cause[];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Characters of an answer that is no `Status`, in a message. */
const EXCERPT_CHARS = 200;

/** What the server says of an object that a patch would have made: the whole of it in quotes, then what is wrong. */
const PATCHED_REGEXP = /^Invalid value: "(?:[^"\\]|\\.)*": (.+)$/s;

/** What is wrong with it, without the object: the values of a Secret would get into reports (seen on 1.36.3). */
function patchMessage(causes: readonly Cause[]): string | undefined {
  const cause = causes.find(({ field, message }) =>
    field === "patch" && message.startsWith("Invalid value: ")
  );
  if (cause === undefined) return undefined;
  return PATCHED_REGEXP.exec(cause.message)?.[1] ??
    "what the patch would make of it is invalid";
}

/** The server shows differences of a claim over several lines; a report is a sentence. */
const LINE_END_REGEXP = /\s*\n\s*/g;

/** Reads what the server says of a refusal; the words of anybody else count as its message, and have no reason. */
export function statusOf(answer: ApiAnswer): Status {
  let body: unknown;
  try {
    body = JSON.parse(answer.text);
  } catch {
    body = undefined; // a proxy's page, or an aggregated server's own words
  }
  if (!isRecord(body) || body.kind !== "Status") {
    const message = answer.text.trim().slice(0, EXCERPT_CHARS);
    return { reason: "", message, kind: "", causes: [] };
  }
  const details = isRecord(body.details) ? body.details : {};
  const causes = (Array.isArray(details.causes) ? details.causes : [])
    .filter(isRecord)
    .map((cause) => ({
      reason: textOf(cause.reason),
      message: textOf(cause.message),
      field: textOf(cause.field),
    }));
  const kind = textOf(details.kind);
  const patched = kind === "" ? patchMessage(causes) : undefined;
  return {
    reason: textOf(body.reason),
    message: (patched ?? textOf(body.message)).replace(LINE_END_REGEXP, " "),
    kind,
    causes,
  };
}
