import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ERROR_CODES, isErrorCode, TransporterError } from "./error.ts";

Deno.test("TransporterError.from() keeps its own, and maps what the platform throws", () => {
  const own = new TransporterError("conflict", "x");
  strictEqual(TransporterError.from(own), own);
  strictEqual(
    TransporterError.from(new DOMException("x", "AbortError")).code,
    "cancelled",
  );
  strictEqual(
    TransporterError.from(
      AbortSignal.timeout(0).reason ?? new DOMException("x", "TimeoutError"),
    ).code,
    "timeout",
  );
  const cause = new RangeError("x");
  strictEqual(TransporterError.from(cause).code, "internal");
  strictEqual(TransporterError.from(cause).cause, cause);
  strictEqual(TransporterError.from("x").message, "x");
});

Deno.test("TransporterError.toJSON() tells neither stack nor cause", () => {
  const error = new TransporterError("denied", "No", {
    cause: new Error("inner"),
    details: { a: 1 },
  });
  deepStrictEqual(JSON.parse(JSON.stringify(error)), {
    code: "denied",
    message: "No",
    details: { a: 1 },
  });
});

Deno.test("TransporterError.fromBody() makes internal of a code of another version", () => {
  strictEqual(
    TransporterError.fromBody({ code: "id_conflict", message: "x" }).code,
    "id_conflict",
  );
  strictEqual(
    TransporterError.fromBody({ code: "constructor", message: "x" }).code,
    "internal",
  );
});

Deno.test("ERROR_CODES have an HTTP status and an exit code each", () => {
  for (const [code, entry] of Object.entries(ERROR_CODES)) {
    ok(isErrorCode(code));
    ok(entry.status >= 400 && entry.status < 600, code);
    ok([1, 2, 3, 4, 5].includes(entry.exit), code);
    ok(!entry.retryable || entry.status === 429 || entry.status === 503, code);
  }
});
