import { strictEqual, throws } from "node:assert/strict";
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
