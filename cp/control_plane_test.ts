import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { TransporterError } from "@transporter/sdk";
import { ControlPlane } from "./control_plane.ts";
import {
  event,
  openPlace,
  type Place,
  type RawClient,
} from "./testing/place.ts";

const DEV = { listen: "127.0.0.1:0", store: "memory:", dev: true };

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ControlPlane.open() refuses settings that do not go together, and says what to do", async () => {
  const cases: Record<
    string,
    readonly [config: Record<string, unknown>, cure: RegExp]
  > = {
    "no access control": [{ dev: false }, /--dev/],
    "all interfaces": [{ listen: "0.0.0.0:0" }, /127\.0\.0\.1/],
    "another interface": [{ listen: "192.168.1.1:0" }, /127\.0\.0\.1/],
    "a name": [{ listen: "example.com:0" }, /127\.0\.0\.1/],
    "no port": [{ listen: "127.0.0.1" }, /HOST:PORT/],
    "another store": [{ store: "postgres://localhost" }, /sqlite:PATH/],
    "a store without a name": [{ store: "sqlite:" }, /sqlite:PATH/],
    "a store without a folder": [{ store: "sqlite:t.db" }, /--data-dir/],
    "a data folder, and nothing for it": [
      { dataDir: "/d" },
      /--data-dir .*nothing would be in it/,
    ],
    "a data folder, and a store elsewhere": [
      { store: "sqlite:/d/t.db", dataDir: "/d" },
      /--data-dir .*nothing would be in it/,
    ],
    "a data folder, and Redis": [
      { store: "redis://127.0.0.1:1", dataDir: "/d" },
      /--data-dir .*nothing would be in it/,
    ],
    "a password without Redis": [
      { redisPasswordFile: "secret" },
      /--redis-password-file .*in Redis/,
    ],
    "a replica that is alone": [
      { replicaName: "a" },
      /--replica-name .*in Redis/,
    ],
    "heartbeats too far apart": [
      { heartbeatInterval: 30_000 },
      /two heartbeats/,
    ],
  };
  for (const [name, [config, cure]] of Object.entries(cases)) {
    await rejects(
      ControlPlane.open({ config: { ...DEV, ...config }, kinds: [] }),
      (error) =>
        error instanceof TransporterError && error.code === "usage" &&
        cure.test(error.message),
      name,
    );
  }
});

Deno.test("ControlPlane.open() says that a port is in use, and what to do", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  ok(typeof address === "object" && address !== null);
  const listen = `127.0.0.1:${address.port}`;
  await rejects(
    ControlPlane.open({ config: { ...DEV, listen }, kinds: [] }),
    (error) =>
      error instanceof TransporterError && error.code === "port_in_use" &&
      error.message.includes(listen) && error.message.includes("--listen"),
  );
  server.close();
  await once(server, "close");
});

Deno.test("ha.two.replicas: ControlPlane.open() says who has the data folder, and lets go of it when it cannot listen", async () => {
  await inFolder(async (dataDir) => {
    const config = { ...DEV, store: "sqlite:t.db", dataDir };
    const first = await ControlPlane.open({ config, kinds: [] });
    await rejects(ControlPlane.open({ config, kinds: [] }), {
      code: "folder_in_use",
    });
    const listen = new URL(first.url).host;
    await inFolder(async (other) => {
      const elsewhere = { ...config, dataDir: other };
      await rejects(
        ControlPlane.open({ config: { ...elsewhere, listen }, kinds: [] }),
        { code: "port_in_use" },
      );
      await using _ = await ControlPlane.open({ config: elsewhere, kinds: [] });
    });
    await first.close();
    await using _ = await ControlPlane.open({ config, kinds: [] });
  });
});

Deno.test("ControlPlane.open() refuses a data folder that is a file", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const config = { ...DEV, store: "sqlite:t.db", dataDir: `${folder}/file` };
    await rejects(ControlPlane.open({ config, kinds: [] }), {
      code: "store_unavailable",
    });
  });
});

Deno.test("store.body.recoverable: ControlPlane keeps events on disk with all that was asked, and says so", async () => {
  await inFolder(async (dataDir) => {
    const config = {
      ...DEV,
      store: "sqlite:t.db",
      dataDir: `${dataDir}/new/folder`,
    };
    {
      await using controlPlane = await ControlPlane.open({ config, kinds: [] });
      const answer = await fetch(`${controlPlane.url}/events`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(event("e1")),
      });
      strictEqual((await answer.json()).durability, "fsync");
    }
    strictEqual((await Deno.stat(config.dataDir)).mode! & 0o777, 0o700);
    await using controlPlane = await ControlPlane.open({ config, kinds: [] });
    const answer = await fetch(`${controlPlane.url}/v2/events/e1`);
    const { spec, state, digest } = await answer.json();
    strictEqual(state, "queued");
    deepStrictEqual(spec.payload, event("e1")["payload"]);
    strictEqual(/^sha256:[0-9a-f]{64}$/.test(digest), true, digest);
  });
});

Deno.test("ControlPlane serves IPv6, and its url says so", async () => {
  await using controlPlane = await ControlPlane.open({
    config: { ...DEV, listen: "[::1]:0" },
    kinds: [],
  });
  match(controlPlane.url, /^http:\/\/\[::1\]:\d+$/);
  strictEqual(
    (await (await fetch(`${controlPlane.url}/livez`)).json()).status,
    "live",
  );
});

/** Sends all of a request but its body, and waits until it is being dealt with. */
async function begin(place: Place, length: number): Promise<RawClient> {
  const client = place.raw();
  client.send(
    "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
      `Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`,
  );
  strictEqual((await client.answer()).status, 100);
  return client;
}

Deno.test("ControlPlane.close() lets a request under way finish, and takes no more", async () => {
  const place = await openPlace();
  const body = JSON.stringify(event("e1"));
  const client = await begin(place, body.length);
  const closed = place.controlPlane.close();
  await rejects(fetch(`${place.url}/livez`));
  client.send(body);
  const answer = await client.answer();
  deepStrictEqual([answer.status, answer.headers.get("connection")], [
    202,
    "close",
  ]);
  await Promise.all([client.closed(), closed, place.controlPlane.close()]);
  strictEqual((await place.store.getEvent("default", "e1"))?.state, "queued");
  await place.store[Symbol.asyncDispose]();
});

Deno.test("ControlPlane.close() does not wait for ever for a request that does not end", async () => {
  const place = await openPlace({ config: { drainTimeout: 50 } });
  const client = await begin(place, 100);
  await place[Symbol.asyncDispose]();
  await client.closed();
});

Deno.test("ControlPlane.close() closes connections without a request, and says goodbye to agents", async () => {
  const place = await openPlace({ config: { drainTimeout: 600_000 } });
  const silent = place.raw();
  const kept = place.raw();
  kept.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await kept.answer();
  const agent = new WebSocket(`${place.url.replace("http", "ws")}/ws`);
  await once(agent, "open");
  agent.send(
    JSON.stringify({
      id: "a",
      name: "a",
      cluster_name: "c",
      version: "1",
      capabilities: ["k8s_crud"],
    }),
  );
  await once(agent, "message");
  const [[{ code }]] = await Promise.all([
    once(agent, "close"),
    place[Symbol.asyncDispose](),
  ]);
  strictEqual(code, 1012);
  await Promise.all([silent.closed(), kept.closed()]);
});
