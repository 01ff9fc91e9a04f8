import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { problemOf, retryAfterMs, unreachable } from "./problem.ts";

/** What Deno throws when a fetch fails. */
function thrown(detail: string): TypeError {
  return new TypeError("fetch failed", { cause: new Error(detail) });
}

const CAUSES:
  readonly (readonly [detail: string, reason: string, maybeDone: boolean])[] = [
    [
      "error sending request for url (http://x/): client error (Connect): tcp connect error: Connection refused (os error 111)",
      "nothing listens there",
      false,
    ],
    [
      "error sending request for url (http://x/): client error (Connect): dns error: failed to lookup address information: Name or service not known",
      "its name is not known",
      false,
    ],
    [
      "client error (Connect): invalid peer certificate: UnknownIssuer",
      "its certificate is not trusted, or TLS failed",
      false,
    ],
    [
      "client error (Connect): received corrupt message of type InvalidContentType",
      "its certificate is not trusted, or TLS failed",
      false,
    ],
    [
      "client error (Connect): tcp connect error: No route to host, network is unreachable",
      "the network does not reach it",
      false,
    ],
    [
      "client error (Connect): something new",
      "it cannot be connected to",
      false,
    ],
    [
      "client error (SendRequest): connection closed before message completed",
      "the connection broke",
      true,
    ],
  ];

for (const [detail, reason, maybeDone] of CAUSES) {
  Deno.test(`unreachable() says that ${reason}: ${detail}`, () => {
    const error = unreachable("http://x", thrown(detail));
    strictEqual(error.code, "unavailable");
    strictEqual(
      error.message,
      `Cannot reach the control plane at "http://x" as ${reason}: start one with ` +
        '"transporter cp --dev", or name another with --cp-url',
    );
    strictEqual(error.details?.["maybe_done"], maybeDone);
  });
}

const NOW = Date.parse("2026-11-23T05:10:00Z");
const WAITS: readonly (readonly [value: string, ms: number | undefined])[] = [
  ["0", 0],
  ["120", 120_000],
  ["Mon, 23 Nov 2026 05:10:30 GMT", 30_000],
  ["Mon, 23 Nov 2026 05:09:00 GMT", 0],
  ["soon", undefined],
  ["", undefined],
];

for (const [value, ms] of WAITS) {
  Deno.test(`retryAfterMs() reads "${value}"`, () => {
    strictEqual(retryAfterMs(new Headers({ "retry-after": value }), NOW), ms);
  });
}

Deno.test("problemOf() keeps details, and tells answers after which nothing is known", () => {
  function of(status: number, text: string) {
    return problemOf({ status, text, headers: new Headers(), url: "http://x" });
  }
  const body = { code: "invalid_yaml", message: "Bad", details: { line: 3 } };
  strictEqual(of(422, JSON.stringify(body)).details?.["line"], 3);
  strictEqual(of(504, "").details?.["maybe_done"], true);
  strictEqual(of(503, "").details?.["maybe_done"], false);
});

Deno.test("problemOf() adds what to do, unless the control plane says so", () => {
  function messageOf(message: string): string {
    const text = JSON.stringify({ code: "unknown_agent", message });
    return problemOf({
      status: 404,
      text,
      headers: new Headers(),
      url: "http://x",
    })
      .message;
  }
  const said = 'No agent "a": "transporter get agents" lists them';
  strictEqual(messageOf(said), said);
  strictEqual(
    messageOf('Cannot find agent "a"'),
    'Cannot find agent "a"; "transporter get agents" lists the known ones',
  );
});

Deno.test("unreachable() and problemOf() show no password of the address", () => {
  const url = "http://u:hunter2@x";
  const refusal = {
    status: 404,
    text: "",
    url,
    headers: new Headers(),
  };
  for (
    const error of [unreachable(url, thrown("refused")), problemOf(refusal)]
  ) {
    match(error.message, /"http:\/\/u:\*\*\*@x"/);
    doesNotMatch(error.message, /hunter/);
  }
});
