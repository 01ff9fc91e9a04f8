import { doesNotMatch, strictEqual, throws } from "node:assert/strict";
import {
  checkUser,
  decodePart,
  shownUrl,
  withoutPassword,
} from "./shown_url.ts";

const SECRETS = [
  "redis://:hunter2@a",
  "redis://cp:hunter2@a:6379/0?replicas=1",
  "redis-sentinel://:hunter2@a:1,b:2/0#m",
  "postgres://u:hunter2@a/b",
  "nats://u:hunt%ss/hunter2@a",
  "nats://u:a?hunter2@a",
  "nats://u:a#hunter2@a",
  "nats://u:a@hunter2@a",
  "nats://u:12/hunter2@a",
];

Deno.test("withoutPassword() and shownUrl() hide the password, also of what is no URL", () => {
  for (const text of SECRETS) {
    doesNotMatch(withoutPassword(text), /hunter/);
    doesNotMatch(shownUrl(text), /hunter/);
  }
});

Deno.test("withoutPassword() shows all else", () => {
  for (
    const [text, shown] of [
      ["redis://cp:pw@a:1/0?replicas=1", "redis://cp:***@a:1/0?replicas=1"],
      ["redis://cp@a:1/0", "redis://cp@a:1/0"],
      ["sqlite:a:b@c", "sqlite:a:b@c"],
      ["sqlite:///a:b@c", "sqlite:///a:b@c"],
      ["redis+unix:///run/a:b@c", "redis+unix:///run/a:b@c"],
      ["http://[::1]:80/a", "http://[::1]:80/a"],
      ["x", "x"],
    ] as const
  ) strictEqual(withoutPassword(text), shown);
});

Deno.test("shownUrl() leaves out who one is, and the query", () => {
  for (
    const [text, shown] of [
      ["nats://token@a:4222?creds=x", "nats://a:4222"],
      ["https://u:p@a/b/?x=1", "https://a/b"],
      ["nats://token@a:x?creds=y", "nats://a:x"],
      ["cp", "cp"],
    ] as const
  ) strictEqual(shownUrl(text), shown);
});

Deno.test("decodePart() says how a % is written, and shows no password", () => {
  const url = new URL("nats://u:pa%ss@a");
  strictEqual(decodePart("a%25%40", url), "a%@");
  throws(() => decodePart(url.password, url), {
    code: "usage",
    message:
      /^Cannot use the URL "nats:\/\/a": write each "%" in it as "%25"[^:]*$/,
  });
  throws(() => checkUser(url), { code: "usage" });
  throws(() => checkUser(new URL("nats://u%zz@a")), { code: "usage" });
  checkUser(new URL("nats://u:pa%25ss@a"));
});
