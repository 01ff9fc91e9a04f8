import { rejects } from "node:assert/strict";
import { dialNats } from "@transporter/sdk/nats";
import { nkeys } from "@nats-io/transport-node";
import { makePki } from "../../deploy/localkube/pki.ts";
import { NatsServer, type NatsServerOptions } from "./server.ts";

/** A folder with files, removed at the end. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  work: (path: (name: string) => string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = (name: string) => `${folder}/${name}`;
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(path(name), text);
    }
    await work(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Dials; where the server lets one in, nobody is there who serves agents. */
async function expectDial(
  url: string,
  outcome: "in" | "unauthenticated" | "unavailable" | "usage",
  message = /./,
): Promise<void> {
  const dialled = dialNats(new URL(url), {
    agentId: "edge",
    signal: new AbortController().signal,
    frameBytesMax: 1024,
  });
  await rejects(
    dialled,
    outcome === "in"
      ? { code: "unavailable", message: /no control plane serves agents/ }
      : { code: outcome, message },
  );
}

async function withServer(
  options: NatsServerOptions,
  work: (server: NatsServer) => Promise<void>,
): Promise<void> {
  await using server = await NatsServer.start(options);
  await work(server);
}

Deno.test("dialNats() logs in by user and password, in the URL or in a file", async () => {
  const config =
    'authorization { users: [{ user: "a b", password: "s3:cret" }] }';
  await withFiles(
    { secret: "s3:cret\n" },
    (path) =>
      withServer({ config }, async ({ host }) => {
        await expectDial(`nats://a%20b:s3%3Acret@${host}`, "in");
        await expectDial(
          `nats://a%20b@${host}?password_file=${path("secret")}`,
          "in",
        );
        const sentence = /does not accept the credentials/;
        await expectDial(
          `nats://a%20b:wrong@${host}`,
          "unauthenticated",
          sentence,
        );
        await expectDial(`nats://${host}`, "unauthenticated", sentence);
      }),
  );
});

Deno.test("dialNats() logs in by token, in the URL or in a file", async () => {
  const config = 'authorization { token: "t0ken" }';
  await withFiles(
    { token: "t0ken\n" },
    (path) =>
      withServer({ config }, async ({ host }) => {
        await expectDial(`nats://t0ken@${host}`, "in");
        await expectDial(`nats://${host}?token_file=${path("token")}`, "in");
        await expectDial(`nats://other@${host}`, "unauthenticated");
      }),
  );
});

Deno.test("dialNats() logs in by nkey", async () => {
  const [mine, other] = [nkeys.createUser(), nkeys.createUser()];
  const seed = (pair: typeof mine) => new TextDecoder().decode(pair.getSeed());
  const config = `authorization { users: [{ nkey: ${mine.getPublicKey()} }] }`;
  const files = { mine: `${seed(mine)}\n`, other: seed(other) };
  await withFiles(files, (path) =>
    withServer({ config }, async ({ host }) => {
      await expectDial(`nats://${host}?nkey=${path("mine")}`, "in");
      await expectDial(
        `nats://${host}?nkey=${path("other")}`,
        "unauthenticated",
      );
    }));
});

/** A JWT as NATS has them. @see {@link https://docs.nats.io/running-a-nats-service/nats_admin/security/jwt} */
function jwt(
  signer: ReturnType<typeof nkeys.createUser>,
  claims: Readonly<Record<string, unknown>>,
): string {
  const encoder = new TextEncoder();
  const base64 = (bytes: Uint8Array) =>
    bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  const part = (value: unknown) =>
    base64(encoder.encode(JSON.stringify(value)));
  const body = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${
    part({
      jti: crypto.randomUUID(),
      iat: 1,
      iss: signer.getPublicKey(),
      ...claims,
    })
  }`;
  return `${body}.${base64(signer.sign(encoder.encode(body)))}`;
}

Deno.test("dialNats() logs in by a file of credentials", async () => {
  const [operator, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const limits = {
    subs: -1,
    data: -1,
    payload: -1,
    conn: -1,
    leaf: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
  };
  const operatorJwt = jwt(operator, {
    sub: operator.getPublicKey(),
    name: "o",
    nats: { type: "operator", version: 2 },
  });
  const accountJwt = jwt(operator, {
    sub: account.getPublicKey(),
    name: "a",
    nats: { type: "account", version: 2, limits },
  });
  const userJwt = jwt(account, {
    sub: user.getPublicKey(),
    name: "edge",
    nats: { type: "user", version: 2, subs: -1, data: -1, payload: -1 },
  });
  const creds = (token: string) =>
    `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n` +
    `-----BEGIN USER NKEY SEED-----\n${
      new TextDecoder().decode(user.getSeed())
    }\n------END USER NKEY SEED------\n`;
  const config = [
    `operator: ${operatorJwt}`,
    "resolver: MEMORY",
    `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
  ].join("\n");
  const files = {
    creds: creds(userJwt),
    forged: creds(jwt(operator, {
      sub: user.getPublicKey(),
      name: "edge",
      nats: { type: "user", version: 2 },
    })),
  };
  await withFiles(
    files,
    (path) =>
      withServer({ config, jetstream: false }, async ({ host }) => {
        await expectDial(`nats://${host}?creds=${path("creds")}`, "in");
        await expectDial(
          `nats://${host}?creds=${path("forged")}`,
          "unauthenticated",
        );
      }),
  );
});

Deno.test("dialNats() checks the server's certificate, and shows one of its own", async () => {
  const { ca, server, admin } = await makePki();
  const files = {
    ca: ca.certPem,
    cert: server.certPem,
    key: server.keyPem,
    mine: admin.certPem,
    mineKey: admin.keyPem,
  };
  await withFiles(files, async (path) => {
    const own = { cert: path("cert"), key: path("key") };
    const trust = `ca=${path("ca")}`;
    await withServer({ tls: own }, async ({ host }) => {
      await expectDial(`tls://${host}?${trust}`, "in");
      await expectDial(`nats://${host}?${trust}`, "in");
      await expectDial(`tls://${host}`, "unavailable", /certificate/i);
    });
    await withServer({ tls: { ...own, ca: path("ca") } }, async ({ host }) => {
      const mine = `cert=${path("mine")}&key=${path("mineKey")}`;
      await expectDial(`tls://${host}?${trust}&${mine}`, "in");
      await expectDial(`tls://${host}?${trust}`, "unavailable");
    });
    await withServer(
      {},
      ({ host }) => expectDial(`tls://${host}`, "unavailable", /tls/i),
    );
  });
});

Deno.test("dialNats() dials the server's WebSocket form", async () => {
  const config = "authorization { users: [{ user: a, password: b }] }";
  await withServer({ config, websocket: true }, async ({ websocketUrl }) => {
    const url = websocketUrl.replace("ws://", "nats+ws://a:b@");
    await expectDial(url, "in");
    await expectDial(url.replace("a:b", "a:c"), "unauthenticated");
  });
});

Deno.test("dialNats() refuses URLs that do not fit", async () => {
  const cases = {
    "nats://a:b@h?creds=F&x=1": /./,
    "nats://h?cred=/f": /did you mean "creds"/,
    "nats://h?creds=/no/such/file": /Cannot read the file/,
    "nats://token@h?token_file=F": /more than one way/,
    "nats://h?password_file=F": /needs a user/,
    "nats+wss://h?ca=F": /WebSocket form/,
    "tls://h?cert=F": /go together/,
    "nats://u:pa%ss@h": /"nats:\/\/h": write each "%" in it as "%25"/,
    "nats://to%ken@h": /"nats:\/\/h": write each "%" in it as "%25"/,
  };
  await withFiles({ file: "text" }, async (path) => {
    for (const [url, message] of Object.entries(cases)) {
      await expectDial(url.replace("=F", `=${path("file")}`), "usage", message);
    }
  });
});
