import { strictEqual } from "node:assert/strict";
import { ERROR_CODES } from "@transporter/sdk";
import { run } from "./testing/host.ts";
import { problem, ScriptedServer } from "./testing/server.ts";

interface Case {
  readonly name: string;
  readonly answer: () => Response;
  readonly code: number;
  readonly stderr: string;
}

const CASES: readonly Case[] = [
  {
    name: "a problem of its table",
    answer: () => problem(404, "unknown_event", 'Cannot find event "x"'),
    code: 4,
    stderr:
      'error[unknown_event]: Cannot find event "x"; "transporter get events" lists the known ones',
  },
  {
    name: "a message that paints the terminal",
    answer: () => problem(403, "denied", "No \u001b[2J\nway"),
    code: 4,
    stderr: "error[denied]: No \\u001b[2J\\nway",
  },
  {
    name: "a code of a newer version, by its status",
    answer: () => problem(503, "overcooked", "Too hot"),
    code: 3,
    stderr: 'error[unavailable]: Too hot ("overcooked")',
  },
  {
    name: "a problem without our message",
    answer: () =>
      Response.json({ type: "about:blank", status: 401 }, { status: 401 }),
    code: 4,
    stderr:
      'error[unauthenticated]: Cannot use the answer of "URL": it has status 401 and is not one of a control plane',
  },
  {
    name: "a page of a proxy",
    answer: () => new Response("<html>Bad gateway</html>", { status: 502 }),
    code: 3,
    stderr:
      'error[unavailable]: Cannot use the answer of "URL": it has status 502 and is not one of a control plane',
  },
  {
    name: "something that is no control plane",
    answer: () => new Response("<html>Not found</html>", { status: 404 }),
    code: 3,
    stderr:
      'error[unavailable]: Cannot use the answer of "URL": it has status 404 and is not one of a control plane; name one with --cp-url or TP_URL',
  },
  {
    name: "a success that is no JSON",
    answer: () => new Response("<html>Welcome</html>"),
    code: 3,
    stderr:
      'error[unavailable]: Cannot use the answer of "URL": it is no JSON; is this a control plane?',
  },
  {
    name: "a success of something else",
    answer: () => Response.json({ hello: "world" }),
    code: 3,
    stderr:
      'error[unavailable]: Cannot use the answer of "URL": it is not one of a control plane',
  },
];

for (const { name, answer, code, stderr } of CASES) {
  Deno.test(`a command understands ${name}`, async () => {
    await using server = new ScriptedServer().on("GET /v2/events/x", answer);
    const ran = await run(["get", "event", "x"], { url: server.url });
    strictEqual(ran.stderr.replace(server.url, "URL"), `${stderr}\n`);
    strictEqual(ran.code, code);
  });
}

for (const [code, { status, exit }] of Object.entries(ERROR_CODES)) {
  Deno.test(`a command that is refused with ${code} ends with ${exit}`, async () => {
    await using server = new ScriptedServer()
      .on("GET /v2/events/x", () => problem(status, code, "No"));
    const ran = await run(["get", "event", "x"], { url: server.url });
    strictEqual(ran.code, exit);
    strictEqual(ran.stderr.startsWith(`error[${code}]: No`), true, ran.stderr);
  });
}

Deno.test("a command says what to do when nothing listens, and -v says more", async () => {
  const url = "http://127.0.0.1:";
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const { code, stderr } = await run(["get", "agents"], { url: url + port });
  strictEqual(code, 3);
  const sentence =
    `error[unavailable]: Cannot reach the control plane at "${url}${port}" as nothing listens there: ` +
    'start one with "transporter cp --dev", or name another with --cp-url\n';
  strictEqual(stderr, sentence);
  const more = await run(["get", "agents", "-v"], { url: url + port });
  strictEqual(
    more.stderr.startsWith(`${sentence}  caused by: TypeError: `),
    true,
    more.stderr,
  );
});

Deno.test("errors have colour on a terminal, unless nobody wants it", async () => {
  const cases = [
    [["get"], {}, "\u001b[31merror[usage]:\u001b[39m"],
    [["get"], { NO_COLOR: "1" }, "error[usage]:"],
    [["get"], { TERM: "dumb" }, "error[usage]:"],
    [["get", "--no-color"], {}, "error[usage]:"],
  ] as const;
  for (const [args, env, start] of cases) {
    const { stderr } = await run(args, { env, columns: 80 });
    strictEqual(stderr.startsWith(start), true, JSON.stringify(stderr));
  }
});
