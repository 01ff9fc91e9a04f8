import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { ForwardProxy } from "../tests/forward_proxy.ts";
import { refuseProxied } from "./proxy.ts";

const PROXY = "http://proxy:3128";

function refuses(url: string, env: Readonly<Record<string, string>>): boolean {
  try {
    refuseProxied(new URL(url), env);
    return false;
  } catch {
    return true;
  }
}

/** Hosts, and what of `NO_PROXY` says that they need no proxy. */
const DIRECT: readonly (readonly [host: string, noProxy: string])[] = [
  ["broker", "broker"],
  ["BROKER", "broker"],
  ["broker", "BROKER"],
  ["broker", " other , broker "],
  ["broker.example.com", "example.com"],
  ["broker.example.com", ".Example.com"],
  ["broker.example.com", "*.example.com"],
  ["broker", "*"],
  ["10.1.2.3", "*"],
  ["10.1.2.3", "10.1.2.3"],
  ["10.1.2.3", "192.168.0.0/16,10.0.0.0/8"],
  ["10.1.2.3", "10.1.2.2/31"],
  ["10.1.2.3", "10.1.2.3/32"],
  ["10.1.2.3", "0.0.0.0/0"],
  ["[::1]", "::1"],
  ["[::1]", "0:0:0:0:0:0:0:1"],
  ["[::1]", "::1/128"],
  ["[::1]", "::/0"],
  ["[FD00:0::a:1]", "fd00::/8"],
  ["[fd00::a:1]", "FD00::A:0/112"],
  ["[1:2:3:4:5:6:7:8]", "1:2:3:4::/64"],
  ["[::ffff:10.1.2.3]", "::ffff:10.0.0.0/104"],
];

/** Hosts, and what does not say so. */
const BEHIND: readonly (readonly [host: string, noProxy: string])[] = [
  ["broker", ""],
  ["broker", ",  ,"],
  ["broker", "roker"],
  ["broker", "a.broker"],
  ["broker.example.com", "*example.com"],
  ["broker", "0.0.0.0/0,::/0"],
  ["10.1.2.3", "11.0.0.0/8"],
  ["10.1.2.3", "10.1.2.0/31"],
  ["10.1.2.3", "10.1.2.3/33"],
  ["10.1.2.3", "10.0.0.0/"],
  ["10.1.2.3", "10.0.0.0/8/8"],
  ["10.1.2.3", "10.0.0.0/-8"],
  ["10.1.2.3", "10.0.0.256/8"],
  ["10.1.2.3", "2.3"],
  ["10.1.2.3", "10.1.2"],
  ["10.1.2.3", "::/0"],
  ["[::1]", "0.0.0.0/0"],
  ["[::1]", "[::1]"],
  ["[::1]", "::2"],
  ["[::1]", "::1/129"],
  ["[fd00::1]", "fe00::/8"],
  ["[fd00::1]", "fd00::1::/8"],
  ["[::ffff:10.1.2.3]", "10.0.0.0/8"],
];

for (const [rows, isRefused] of [[DIRECT, false], [BEHIND, true]] as const) {
  for (const [host, noProxy] of rows) {
    Deno.test(`${host} is ${isRefused ? "behind a" : "reached without the"} proxy with NO_PROXY="${noProxy}"`, () => {
      for (const scheme of ["nats", "tls", "ws", "nats+ws"]) {
        const url = `${scheme}://${host}:4222/`;
        const env = { HTTP_PROXY: PROXY, NO_PROXY: noProxy };
        strictEqual(refuses(url, env), isRefused, url);
        strictEqual(refuses(url, { HTTP_PROXY: "" }), false, url);
      }
    });
  }
}

Deno.test("the host that NO_PROXY has to name is said as the runtime understands it", () => {
  throws(
    () =>
      refuseProxied(new URL("nats://me:s3cret@[FD00::1]:4222?creds=/f"), {
        https_proxy: PROXY,
      }),
    {
      code: "usage",
      message:
        'Cannot dial "nats://[fd00::1]:4222" as NATS over TCP does not go through the proxy in HTTPS_PROXY: ' +
        'use nats+wss, or add "fd00::1" to NO_PROXY',
    },
  );
});

Deno.test("each scheme goes through the proxies that there are for it", () => {
  const schemes = ["ws", "wss", "http", "https", "nats", "tls", "nats+ws"];
  const refused = (name: string) =>
    schemes.filter((scheme) => refuses(`${scheme}://cp:1/`, { [name]: PROXY }))
      .join(" ");
  strictEqual(refused("HTTPS_PROXY"), "nats tls");
  strictEqual(refused("HTTP_PROXY"), "ws nats tls nats+ws");
  strictEqual(refused("all_proxy"), "ws nats tls nats+ws");
  strictEqual(refused("FTP_PROXY"), "");
  strictEqual(refuses("nats+wss://cp:1/", { ALL_PROXY: PROXY }), false);
});

/** Opens WebSockets, of which none gets through. */
const KNOCK = `
  for (const url of Deno.args) {
    await new Promise((resolve) => new WebSocket(url).onerror = resolve);
  }
`;

for (
  const noProxy of [
    "",
    "127.0.0.1",
    "127.0.0.0/8, ::1/128",
    "::1",
    "[::1]",
    "::/0",
    "localhost",
    ".localhost",
    "127.0.0.1/33",
    "0.0.1,host",
  ]
) {
  Deno.test(`the runtime takes NO_PROXY="${noProxy}" for what it is taken for here, and asks a proxy for a plain WebSocket by GET`, async () => {
    await using proxy = await ForwardProxy.open();
    const env = { HTTP_PROXY: proxy.url(), NO_PROXY: noProxy };
    const urls = ["127.0.0.1", "[::1]", "localhost"].map((host) =>
      `ws://${host}:1/`
    );
    const command = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", KNOCK, ...urls],
      env: { ...env, ALL_PROXY: "", http_proxy: "", no_proxy: "" },
    });
    strictEqual((await command.output()).code, 0);
    deepStrictEqual(
      proxy.asked,
      urls.filter((url) => refuses(url, env)).map((url) =>
        `GET ${url.replace("ws:", "http:")}`
      ),
    );
  });
}
