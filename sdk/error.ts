/**
 * The one error that crosses package and process boundaries, and the closed
 * table of its codes.
 *
 * @module
 */

/** The kind of failure a code belongs to; programs that need less detail than a code read this. */
export type ErrorClass =
  | "invalid"
  | "not_found"
  | "conflict"
  | "denied"
  | "unsupported"
  | "exhausted"
  | "timeout"
  | "cancelled"
  | "unavailable"
  | "internal";

/** A code of {@linkcode ERROR_CODES}. */
export type ErrorCode =
  | "bad_request"
  | "slow_request"
  | "header_too_large"
  | "invalid_json"
  | "too_deep"
  | "duplicate_key"
  | "wrong_type"
  | "missing_field"
  | "unknown_field"
  | "bad_frame"
  | "too_large"
  | "unsupported_media_type"
  | "invalid"
  | "invalid_id"
  | "invalid_ttl"
  | "invalid_yaml"
  | "invalid_manifest"
  | "unknown_kind"
  | "unsupported"
  | "unsupported_version"
  | "usage"
  | "not_found"
  | "unknown_event"
  | "unknown_agent"
  | "method_not_allowed"
  | "id_conflict"
  | "conflict"
  | "too_late"
  | "immutable"
  | "denied"
  | "foreign_host"
  | "foreign_origin"
  | "unauthenticated"
  | "superseded"
  | "queue_full"
  | "slow_down"
  | "exhausted"
  | "overloaded"
  | "unavailable"
  | "store_unavailable"
  | "disk_full"
  | "clock_skew"
  | "cluster_unavailable"
  | "no_cluster"
  | "port_in_use"
  | "folder_in_use"
  | "other_cluster"
  | "failed"
  | "not_ready"
  | "interrupted"
  | "plugin_failed"
  | "quarantined"
  | "expired"
  | "cancelled"
  | "timeout"
  | "internal";

/** What is known about a code, wherever it shows up. */
export interface ErrorCodeEntry {
  /** The class the code belongs to. */
  readonly class: ErrorClass;
  /** The HTTP status an answer with this code has. */
  readonly status: number;
  /** The exit code of a command that ends with it: cli/README.md has what each means. */
  readonly exit: number;
  /** Whether the same request may be sent again unchanged, and succeed. */
  readonly retryable: boolean;
}

function row(
  errorClass: ErrorClass,
  status: number,
  exit: number,
  retryable = false,
): ErrorCodeEntry {
  return { class: errorClass, status, exit, retryable };
}

/** Every code there is. The table is closed: adding a row is a change of the protocol. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorCodeEntry>> = {
  // What was sent cannot be read.
  bad_request: row("invalid", 400, 4),
  slow_request: row("timeout", 408, 5),
  header_too_large: row("invalid", 431, 4),
  invalid_json: row("invalid", 400, 4),
  too_deep: row("invalid", 400, 4),
  duplicate_key: row("invalid", 400, 4),
  wrong_type: row("invalid", 400, 4),
  missing_field: row("invalid", 400, 4),
  unknown_field: row("invalid", 400, 4),
  bad_frame: row("invalid", 400, 4),
  too_large: row("invalid", 413, 4),
  unsupported_media_type: row("unsupported", 415, 4),
  // What was sent can be read, and breaks a rule.
  invalid: row("invalid", 422, 4),
  invalid_id: row("invalid", 422, 4),
  invalid_ttl: row("invalid", 422, 4),
  invalid_yaml: row("invalid", 422, 4),
  invalid_manifest: row("invalid", 422, 4),
  unknown_kind: row("unsupported", 422, 4),
  unsupported: row("unsupported", 422, 4),
  unsupported_version: row("unsupported", 426, 4),
  usage: row("invalid", 400, 2),
  // Something is not there, or is there already.
  not_found: row("not_found", 404, 4),
  unknown_event: row("not_found", 404, 4),
  unknown_agent: row("not_found", 404, 4),
  method_not_allowed: row("unsupported", 405, 4),
  id_conflict: row("conflict", 409, 4),
  conflict: row("conflict", 409, 4),
  too_late: row("conflict", 409, 4), // `details.state` says how far the event got
  immutable: row("conflict", 409, 4),
  // Not allowed.
  denied: row("denied", 403, 4),
  foreign_host: row("denied", 403, 4),
  foreign_origin: row("denied", 403, 4),
  unauthenticated: row("denied", 401, 4),
  superseded: row("denied", 409, 3),
  // Too much, or not now.
  queue_full: row("exhausted", 429, 4, true),
  slow_down: row("exhausted", 429, 3, true),
  exhausted: row("exhausted", 429, 3, true),
  unavailable: row("unavailable", 503, 3, true),
  overloaded: row("unavailable", 503, 3, true),
  store_unavailable: row("unavailable", 503, 3, true),
  disk_full: row("unavailable", 503, 3, true),
  clock_skew: row("unavailable", 503, 3, true),
  cluster_unavailable: row("unavailable", 503, 3, true),
  // The environment of a command.
  no_cluster: row("unavailable", 503, 3),
  port_in_use: row("conflict", 409, 3),
  folder_in_use: row("conflict", 409, 3),
  other_cluster: row("conflict", 409, 3),
  // How an event ends, or an attempt at one.
  failed: row("invalid", 422, 1),
  not_ready: row("timeout", 504, 1),
  interrupted: row("timeout", 504, 1),
  plugin_failed: row("internal", 500, 1),
  quarantined: row("denied", 422, 1),
  expired: row("timeout", 504, 1),
  cancelled: row("cancelled", 409, 1),
  timeout: row("timeout", 504, 5),
  internal: row("internal", 500, 1),
};

/** What leaves the process about an error: no stack, no cause. */
export interface ErrorBody {
  /** What programs act on. */
  readonly code: ErrorCode;
  /** One sentence for people: wanted, found, what to do. */
  readonly message: string;
  /** Facts a program can use, such as the document and line of a manifest. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Options of {@linkcode TransporterError}. */
export interface TransporterErrorOptions extends ErrorOptions {
  /** Facts a program can use; must survive JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * An error that programs can act on: a code of the closed table, and a
 * sentence for people.
 *
 * @example Usage
 * ```ts
 * import { TransporterError } from "@transporter/sdk";
 * import { strictEqual } from "node:assert/strict";
 *
 * const error = new TransporterError("unknown_agent", 'Cannot find agent "edge-7"');
 * strictEqual(error.status, 404);
 * strictEqual(error.retryable, false);
 * ```
 */
export class TransporterError extends Error {
  /** The code, which programs act on. */
  readonly code: ErrorCode;
  /** Facts a program can use; `undefined` when there are none. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  /** Makes an error; `message` is one sentence without a final period. */
  constructor(
    code: ErrorCode,
    message: string,
    options: TransporterErrorOptions = {},
  ) {
    super(
      message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "TransporterError";
    this.code = code;
    this.details = options.details;
  }

  /**
   * Makes a `TransporterError` of anything that was thrown: itself if it is
   * one already, `cancelled` for an `AbortError`, `timeout` for a
   * `TimeoutError`, else `internal` with the original as its cause.
   */
  static from(reason: unknown): TransporterError {
    if (reason instanceof TransporterError) return reason;
    if (reason instanceof Error) {
      // Of a copy of this class, which a plugin that was bundled brings along.
      const { code, details } = reason as Partial<TransporterError>;
      if (reason.name === "TransporterError" && isErrorCode(code ?? "")) {
        return new TransporterError(code as ErrorCode, reason.message, {
          cause: reason,
          ...(details === undefined ? {} : { details }),
        });
      }
      if (reason.name === "AbortError") {
        return new TransporterError("cancelled", reason.message, {
          cause: reason,
        });
      }
      if (reason.name === "TimeoutError") {
        return new TransporterError("timeout", reason.message, {
          cause: reason,
        });
      }
      return new TransporterError("internal", reason.message, {
        cause: reason,
      });
    }
    return new TransporterError("internal", String(reason), { cause: reason });
  }

  /** Makes an error of a body that came over the wire; a code this version does not know becomes `internal`. */
  static fromBody(
    body: { readonly code: string; readonly message: string },
  ): TransporterError {
    return new TransporterError(
      isErrorCode(body.code) ? body.code : "internal",
      body.message,
    );
  }

  /** The class of the code. */
  get class(): ErrorClass {
    return ERROR_CODES[this.code].class;
  }

  /** The HTTP status of an answer with this error. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** The exit code of a command that ends with this error. */
  get exit(): number {
    return ERROR_CODES[this.code].exit;
  }

  /** Whether the same request may be sent again unchanged, and succeed. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }

  /** What leaves the process: no stack, no cause. */
  toJSON(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** Whether a string is a code of the table. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}
