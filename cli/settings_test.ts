import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { findTarget, type TargetFlags } from "./settings.ts";
import { plainHost } from "./testing/host.ts";

const PATH = "/home/anna/.config/transporter/config.yaml";
const FILE = `current-context: prod
contexts:
  - name: prod
    cp-url: https://cp.example.com/base/
  - name: local
    cp-url: http://localhost:9090
`;

function machine(file?: string, env: Readonly<Record<string, string>> = {}) {
  return plainHost({
    env: { HOME: "/home/anna", ...env },
    files: file === undefined ? {} : { [PATH]: file },
  });
}

interface Case {
  readonly name: string;
  readonly flags?: TargetFlags;
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly url: string;
  readonly from: string;
}

const CASES: readonly Case[] = [
  { name: "the default", url: "http://127.0.0.1:8080", from: "the default" },
  {
    name: "the current context",
    file: FILE,
    url: "https://cp.example.com/base",
    from: 'context "prod"',
  },
  {
    name: "TP_URL before the current context",
    file: FILE,
    env: { TP_URL: "http://from-env:1/" },
    url: "http://from-env:1",
    from: "TP_URL",
  },
  {
    name: "--context before TP_URL",
    file: FILE,
    env: { TP_URL: "http://from-env:1/" },
    flags: { context: "local" },
    url: "http://localhost:9090",
    from: 'context "local"',
  },
  {
    name: "--cp-url before TP_URL",
    env: { TP_URL: "http://from-env:1/" },
    flags: { cpUrl: "http://[::1]:8080" },
    url: "http://[::1]:8080",
    from: "--cp-url",
  },
  {
    name: "the default with an empty file",
    file: "",
    url: "http://127.0.0.1:8080",
    from: "the default",
  },
];

for (const { name, flags = {}, file, env, url, from } of CASES) {
  Deno.test(`findTarget() takes ${name}`, async () => {
    deepStrictEqual(await findTarget(flags, machine(file, env)), { url, from });
  });
}

const WRONG:
  readonly (readonly [name: string, file: string, message: string])[] = [
    ["a list", "- 1\n", `Cannot read "${PATH}": it must be a mapping`],
    [
      "a key that is not known",
      "contexts: []\ncolour: red\n",
      `Cannot read "${PATH}": the key "colour" is not known`,
    ],
    [
      "contexts that are no list",
      "contexts: {}\n",
      `Cannot read "${PATH}": "contexts" must be a list`,
    ],
    [
      "a context without an address",
      "contexts: [{name: a}]\n",
      `Cannot read "${PATH}": each of "contexts" must have a "name" and a "cp-url"`,
    ],
    [
      "a context with more",
      "contexts: [{name: a, cp-url: b, token: c}]\n",
      `Cannot read "${PATH}": the key "token" of context "a" is not known`,
    ],
    [
      "a current context that is no name",
      "current-context: 1\n",
      `Cannot read "${PATH}": "current-context" must be a name`,
    ],
    [
      "a current context that is not there",
      "current-context: a\ncontexts: [{name: b, cp-url: c}]\n",
      `Cannot find the context "a": "${PATH}" has "b"`,
    ],
    [
      "a current context without contexts",
      "current-context: a\n",
      `Cannot find the context "a": "${PATH}" has no contexts`,
    ],
    [
      "a password in an address that is none",
      "current-context: a\ncontexts: [{name: a, cp-url: 'ftp://u:pw@x'}]\n",
      'Cannot use the address "ftp://u:***@x" of context "a": it must be like "http://127.0.0.1:8080"',
    ],
    [
      "an address that is none",
      "current-context: a\ncontexts: [{name: a, cp-url: 'ftp://x'}]\n",
      'Cannot use the address "ftp://x" of context "a": it must be like "http://127.0.0.1:8080"',
    ],
  ];

for (const [name, file, message] of WRONG) {
  Deno.test(`findTarget() refuses a file with ${name}`, async () => {
    await rejects(findTarget({}, machine(file)), { code: "usage", message });
  });
}

Deno.test("findTarget() names the file that is no YAML", async () => {
  await rejects(findTarget({}, machine("a: [\n")), {
    code: "usage",
    message:
      /^Cannot read the configuration file "\/home\/anna\/\.config\/transporter\/config\.yaml": /,
  });
});

Deno.test("findTarget() refuses a file of two documents", async () => {
  await rejects(findTarget({}, machine("a: 1\n---\nb: 2\n")), {
    code: "usage",
    message:
      'Cannot read the configuration file "/home/anna/.config/transporter/config.yaml": it has more than one document',
  });
});

Deno.test("findTarget() looks in $XDG_CONFIG_HOME first", async () => {
  const host = plainHost({
    env: { HOME: "/home/anna", XDG_CONFIG_HOME: "/xdg" },
    files: { "/xdg/transporter/config.yaml": FILE },
  });
  strictEqual((await findTarget({}, host)).from, 'context "prod"');
});
