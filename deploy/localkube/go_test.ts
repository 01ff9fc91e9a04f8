import {
  deepStrictEqual,
  doesNotThrow,
  strictEqual,
  throws,
} from "node:assert/strict";
import { checkGoVersion, parseGoVersion } from "./go.ts";

const WANTED = { major: 1, minor: 26 };

const CASES = [
  { text: "go1.26.8", version: { major: 1, minor: 26 }, enough: true },
  { text: "go1.26", version: { major: 1, minor: 26 }, enough: true },
  { text: "go1.27rc1", version: { major: 1, minor: 27 }, enough: true },
  { text: "go1.100.1", version: { major: 1, minor: 100 }, enough: true },
  { text: "go2.0", version: { major: 2, minor: 0 }, enough: true },
  {
    text: "devel go1.28-3f2a1b Mon Nov 2",
    version: { major: 1, minor: 28 },
    enough: true,
  },
  {
    text: "go1.26.1 X:nocoverageredesign",
    version: { major: 1, minor: 26 },
    enough: true,
  },
  { text: "go1.25.9", version: { major: 1, minor: 25 }, enough: false },
  { text: "go1.9", version: { major: 1, minor: 9 }, enough: false },
  { text: "go0.99", version: { major: 0, minor: 99 }, enough: false },
  { text: "", version: undefined, enough: false },
  { text: "gccgo", version: undefined, enough: false },
] as const;

for (const { text, version, enough } of CASES) {
  Deno.test(`parseGoVersion() reads "${text}"`, () => {
    deepStrictEqual(parseGoVersion(text), version);
  });

  Deno.test(`checkGoVersion() ${enough ? "takes" : "refuses"} "${text}"`, () => {
    if (enough) doesNotThrow(() => checkGoVersion(text, WANTED));
    else {
      throws(() => checkGoVersion(text, WANTED), { code: "no_cluster" });
    }
  });
}

Deno.test("checkGoVersion() names the three ways to get a cluster", () => {
  for (const found of [undefined, "go1.19.8"]) {
    try {
      checkGoVersion(found, WANTED);
      throw new TypeError("nothing was thrown");
    } catch (error) {
      const { message } = error as Error;
      for (
        const way of [
          "--kube-context",
          "--kubeconfig",
          "KUBEBUILDER_ASSETS",
          "Go 1.26",
          found ?? "there is no Go",
        ]
      ) strictEqual(message.includes(way), true, `${way} in ${message}`);
    }
  }
});
