import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { WitnessAgent, witnessEvent } from "./chaos/witness_agent.ts";
import { ForwardProxy } from "./forward_proxy.ts";
import { envOf, Ingress } from "./ingress.ts";
import {
  CpProcess,
  dialUrl,
  submit,
  until,
  untilConnected,
  WIRE_NAMES,
} from "./system.ts";

async function work(cp: CpProcess): Promise<void> {
  await untilConnected(cp.url, "edge");
  await submit(cp.url, witnessEvent("e1"));
  await until(async () => {
    const answer = await fetch(`${cp.url}/v2/events/e1`);
    return (await answer.json()).state === "completed" || undefined;
  });
}

for (const wire of WIRE_NAMES) {
  Deno.test(`an agent works through the proxy in HTTPS_PROXY, with a name and a password (${wire}, TLS)`, async () => {
    await using cp = await CpProcess.start();
    await using ingress = await Ingress.open(cp.url);
    await using proxy = await ForwardProxy.open("tom:secret");
    await using _agent = await WitnessAgent.startWith(
      "edge",
      {
        cpUrls: [dialUrl(ingress.url, wire)],
        env: envOf({
          HTTPS_PROXY: proxy.url("tom:secret"),
          DENO_CERT: ingress.caFile,
        }),
      },
    );
    await work(cp);
    const { host } = new URL(ingress.url);
    deepStrictEqual([...new Set(proxy.asked)], [`CONNECT ${host}`]);
    strictEqual(proxy.turnedAway, 0);
  });

  Deno.test(`an agent goes around the proxy to what is in NO_PROXY (${wire}, TLS)`, async () => {
    await using cp = await CpProcess.start();
    await using ingress = await Ingress.open(cp.url);
    await using proxy = await ForwardProxy.open();
    const env = envOf({
      HTTPS_PROXY: proxy.url(),
      NO_PROXY: "example.com,localhost",
      DENO_CERT: ingress.caFile,
    });
    const url = dialUrl(ingress.url, wire);
    await using _agent = await WitnessAgent.startWith("edge", {
      cpUrls: [url],
      env,
    });
    await work(cp);
    deepStrictEqual(proxy.asked, []);
  });
}

for (const wire of ["poll", "sse"] as const) {
  for (const name of ["HTTP_PROXY", "all_proxy"]) {
    Deno.test(`an agent works through the proxy in ${name} (${wire}, plain)`, async () => {
      await using cp = await CpProcess.start();
      await using proxy = await ForwardProxy.open();
      const url = dialUrl(cp.url, wire);
      const env = envOf({ [name]: proxy.url() });
      await using _agent = await WitnessAgent.startWith("edge", {
        cpUrls: [url],
        env,
      });
      await work(cp);
      ok(proxy.asked.includes(`POST ${cp.url}/v2/link/frames`));
    });
  }
}

for (const name of ["HTTP_PROXY", "ALL_PROXY"]) {
  Deno.test(`an agent says why it does not dial ws when there is ${name}`, async () => {
    await using cp = await CpProcess.start();
    await using proxy = await ForwardProxy.open();
    const env = envOf({ [name]: proxy.url() });
    await using agent = await WitnessAgent.startWith("edge", {
      cpUrls: [cp.agentUrl],
      env,
    });
    const [line] = await agent.process.program.line(/"No connection.*/);
    match(
      line,
      /a plain WebSocket does not go through the proxy in .*: use wss, or add/,
    );
  });
}

Deno.test("an agent says that the proxy turns it away", async () => {
  await using proxy = await ForwardProxy.open("tom:secret");
  const env = envOf({ HTTPS_PROXY: proxy.url("tom:wrong") });
  const url = "https://localhost:65534";
  await using agent = await WitnessAgent.startWith("edge", {
    cpUrls: [url],
    env,
  });
  const [line] = await agent.process.program.line(/"No connection.*/);
  match(line, /proxy|407/i);
});
