import type { ErrorCode } from "@transporter/sdk";
import type { FieldConflict } from "./conflict.ts";
import type { ApiAnswer } from "./answer.ts";
import { type Status, statusOf } from "./api_status.ts";

/** What an answer that is no success means: tests/kubernetes/README.md, "Errors". */
export interface Verdict {
  /** Whether the same request may succeed a little later. */
  readonly transient: boolean;
  /** The code to end with; for a transient one, when time is up. */
  readonly code: ErrorCode;
  /** Why, for people: continues a sentence. */
  readonly reason: string;
  /** How long the server wants us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** It is refused for want of a right, and not by admission. */
  readonly noRight?: boolean;
  /** The request may have been done all the same. */
  readonly unclear?: boolean;
  /** The fields that other managers own. */
  readonly conflicts?: readonly FieldConflict[];
  /** Something of this name is there already. */
  readonly exists?: boolean;
  /** The namespace, or the definition of the kind, is on its way out. */
  readonly leaving?: boolean;
  /** The server cannot go on from the version that it was given: a new list is needed. */
  readonly expired?: boolean;
  /** The version for which fields of a custom object are recorded, and which its definition has no more. */
  readonly lost?: string;
  /** What is not there, when the answer is 404. */
  readonly missing?: "namespace" | "kind" | "object";
}

/** How the server words that a field cannot change; there is no reason code for it. */
const IMMUTABLE_REGEXP =
  /immutable|may not be changed|may not change once set|cannot be changed|cannot change|may not change fields other than|may not add or remove containers|updates to .* are forbidden/i;

const DENIED_BY_ADMISSION_REGEXP = /denied (the|this)? ?request/i;

/** Who owns a field, as the server words it: it names the version, and a subresource, of those who do not apply. */
function ownerIn(message: string): Omit<FieldConflict, "field"> {
  const [, manager = "somebody", subresource = "", using] =
    /^conflict with "([^"]*)"(?: with subresource "([^"]*)")?( using )?/
      .exec(message) ?? [];
  const operation = using === undefined ? "Apply" : "Update";
  return { manager, operation, subresource };
}

function conflictVerdict(status: Status): Verdict {
  const conflicts = status.causes
    .filter(({ reason }) => reason === "FieldManagerConflict")
    .map(({ message, field }) => ({ ...ownerIn(message), field }));
  const transient = conflicts.length === 0;
  return {
    transient,
    code: "conflict",
    reason: status.message,
    conflicts,
    exists: status.reason === "AlreadyExists",
  };
}

function forbiddenVerdict(status: Status): Verdict {
  const terminating =
    status.causes.some(({ reason }) => reason === "NamespaceTerminating") ||
    /custom resource definition is terminating/.test(status.message);
  if (terminating) {
    return {
      transient: true,
      code: "conflict",
      reason: status.message,
      leaving: true,
    };
  }
  // A controller makes the namespace's default ServiceAccount a moment after the namespace.
  const early =
    /serviceaccount "[^"]*" not found|not yet ready to handle request/
      .test(status.message);
  return {
    transient: early,
    code: "denied",
    reason: status.message,
    noRight: /forbidden: User "/.test(status.message),
  };
}

function missingVerdict(status: Status): Verdict {
  const reason = status.message;
  if (status.kind === "namespaces" && /^namespaces "/.test(status.message)) {
    return {
      transient: false,
      code: "not_found",
      reason,
      missing: "namespace",
    };
  }
  if (status.reason === "NotFound" && status.kind !== "") {
    return { transient: false, code: "not_found", reason, missing: "object" };
  }
  return {
    transient: false,
    code: "unknown_kind",
    reason: "the API server does not serve this kind any more, or not yet",
    missing: "kind",
  };
}

function retryAfterOf(answer: ApiAnswer): { retryAfterMs?: number } {
  const seconds = Number(answer.headers.get("retry-after") ?? NaN);
  return seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {};
}

function throttledVerdict(answer: ApiAnswer, status: Status): Verdict {
  const schema = answer.headers.get("x-kubernetes-pf-flowschema-uid");
  const level = answer.headers.get("x-kubernetes-pf-prioritylevel-uid");
  const names = schema && level
    ? ` (flow schema ${schema}, priority level ${level})`
    : "";
  return {
    transient: true,
    code: "cluster_unavailable",
    reason: `the API server has too much to do${names}: ${status.message}`,
    ...retryAfterOf(answer),
  };
}

/** The server says 500, without a reason, to a field that its schema does not have, or of the wrong type (seen on 1.36.3). */
const NOT_ITS_FAULT_REGEXP =
  /failed to create typed patch object|unable to convert unstructured object to/;

/** The store of the server says this to an object that is too large for it, and so does the way there (seen on 1.36.3). */
const TOO_LARGE_TO_STORE_REGEXP =
  /etcdserver: request is too large|trying to send message larger than max/;

/** A number, a boolean or a text as the server's own language prints one, in what it says about the wrong type. */
const GO_VALUE_REGEXP =
  /(?<=, got )&(?:value\.valueUnstructured\{Value:|\{)([^{}]*)\}/g;

/** The server has not come to the version to go on from: it lags, or its store was restored from an older copy. */
const TOO_LARGE = "ResourceVersionTooLarge";

/**
 * Whether a request that failed may have been done: a proxy's own words say
 * nothing of what is behind it, and a store that answers late may have written.
 * What the server says of admission (`InternalError`), or that it has not begun
 * (503), is clear.
 */
function isUnclear({ status }: ApiAnswer, { reason }: Status): boolean {
  return reason === "" || status === 504 ||
    status === 500 && reason !== "InternalError";
}

/** The server cannot compare fields that are recorded for a version which a definition has no more (seen on 1.36.3). */
const LOST_VERSION_REGEXP =
  /request to convert CR to an invalid group\/version: ([^"\s]+)/;

function failureVerdict(answer: ApiAnswer, status: Status): Verdict {
  if (status.causes.some(({ reason }) => reason === TOO_LARGE)) {
    return {
      transient: false,
      code: "cluster_unavailable",
      reason: status.message,
      expired: true,
    };
  }
  if (answer.status === 500 && NOT_ITS_FAULT_REGEXP.test(status.message)) {
    const reason = status.message.replace(GO_VALUE_REGEXP, "$1");
    return { transient: false, code: "invalid", reason };
  }
  if (TOO_LARGE_TO_STORE_REGEXP.test(status.message)) {
    return {
      transient: false,
      code: "too_large",
      reason:
        `with the account of its fields in managedFields the object is larger than the cluster can store: ${status.message}`,
    };
  }
  const [, lost] = LOST_VERSION_REGEXP.exec(status.message) ?? [];
  if (lost !== undefined) {
    return {
      transient: false,
      code: "unsupported",
      reason:
        `fields of it are recorded for "${lost}", a version that its definition has no more, which an apply puts right and a dry run cannot`,
      lost,
    };
  }
  return {
    transient: true,
    code: "cluster_unavailable",
    reason: `the API server answered ${answer.status}: ${status.message}`,
    unclear: isUnclear(answer, status),
    ...retryAfterOf(answer),
  };
}

/** The rest of 4xx: nothing changes by sending it again. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  405: "unsupported",
  406: "unsupported",
  413: "too_large",
  415: "unsupported",
};

function refusedVerdict(answer: ApiAnswer, status: Status): Verdict {
  const code = DENIED_BY_ADMISSION_REGEXP.test(status.message)
    ? "denied"
    : CODES[answer.status] ?? "invalid";
  return {
    transient: false,
    code,
    reason: status.message || `the answer is ${answer.status}`,
  };
}

/**
 * Says what an answer that is no success means, and whether to try again.
 *
 * @param answer What came; its status is 400 or more.
 * @see {@link https://github.com/kubernetes/apimachinery/blob/master/pkg/api/errors/errors.go}
 */
export function judge(answer: ApiAnswer): Verdict {
  const status = statusOf(answer);
  if (answer.status === 429) return throttledVerdict(answer, status);
  if (answer.status >= 500) return failureVerdict(answer, status);
  if (answer.status === 409) return conflictVerdict(status);
  if (answer.status === 403) return forbiddenVerdict(status);
  if (answer.status === 404) return missingVerdict(status);
  if (answer.status === 410) {
    const { message: reason } = status;
    return { transient: false, code: "conflict", reason, expired: true };
  }
  if (
    answer.status === 422 && IMMUTABLE_REGEXP.test(status.message) &&
    // A policy's own words are no reason to make the object anew behind its back.
    !DENIED_BY_ADMISSION_REGEXP.test(status.message)
  ) {
    return { transient: false, code: "immutable", reason: status.message };
  }
  return refusedVerdict(answer, status);
}
