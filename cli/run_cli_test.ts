import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { VERSION } from "@transporter/sdk";
import { runCli } from "./run_cli.ts";
import { agent } from "./testing/fixtures.ts";
import { run, testHost } from "./testing/host.ts";
import { ScriptedServer } from "./testing/server.ts";

Deno.test("version and --version say which", async () => {
  const ran = { code: 0, stdout: `transporter ${VERSION}\n`, stderr: "" };
  deepStrictEqual(await run(["version"]), ran);
  deepStrictEqual(await run(["--version"]), ran);
});

Deno.test("runCli() ends quietly when nobody reads on", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/agents", () => ({ items: [agent()] }));
  const errors: string[] = [];
  const host = testHost({ url: server.url }, {
    stdout: {
      isTerminal: false,
      columns: undefined,
      rows: undefined,
      write() {
        throw new Deno.errors.BrokenPipe("Broken pipe");
      },
    },
    stderr: {
      isTerminal: false,
      columns: undefined,
      rows: undefined,
      write: (text) => errors.push(text),
    },
  });
  strictEqual(await runCli(["get", "agents"], host), 0);
  deepStrictEqual(errors, []);
});

Deno.test("runCli() shows a mistake of its own as one, with its stack when asked", async () => {
  const options = {
    start: () => Promise.reject(new RangeError("This cannot be")),
  };
  const short = await run(["cp"], options);
  deepStrictEqual(short, {
    code: 1,
    stdout: "",
    stderr: "error[internal]: This cannot be\n",
  });
  const long = await run(["cp", "-v"], options);
  match(
    long.stderr,
    /caused by: RangeError: This cannot be\n {4}RangeError: .*\n +at /,
  );
});

Deno.test("runCli() says that it was stopped", async () => {
  const person = new AbortController();
  await using server = new ScriptedServer().on("GET /v2/agents", () => {
    person.abort();
    return { items: [] };
  });
  const { stderr } = await run(["get", "agents"], {
    url: server.url,
    signal: person.signal,
  });
  strictEqual(stderr, "error[cancelled]: Stopped as asked\n");
});
