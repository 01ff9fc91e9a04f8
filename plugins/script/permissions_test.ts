import { deepStrictEqual, throws } from "node:assert/strict";
import { checkAllowed, denoOptions } from "./permissions.ts";

function given(wanted: string, ...allowed: readonly string[]): boolean {
  try {
    return denoOptions([wanted], allowed).includes(`--allow-${wanted}`);
  } catch {
    return false;
  }
}

Deno.test("denoOptions() gives a part of what is allowed, and nothing beyond it", () => {
  const cases: readonly [wanted: string, allowed: string, boolean][] = [
    ["net=a:443", "net", true],
    ["net=a:443", "net=a", true],
    ["net=a:443", "net=a:443", true],
    ["net=a", "net=a:443", false],
    ["net", "net=a", false],
    ["net=a.b:443", "net=b", false],
    ["net=b:443", "read", false],
    ["read=/tmp/a/b", "read=/tmp", true],
    ["read=/tmp/a", "read=/tmp/", true],
    ["read=/tmpx", "read=/tmp", false],
    ["read=/tmp/../etc", "read=/tmp", false],
    ["read=/tmp/./a", "read=/tmp", false],
    ["write=/tmp", "read=/tmp", false],
    ["env=HOME", "env", true],
    ["env=HOMER", "env=HOME", false],
  ];
  deepStrictEqual(
    cases.filter(([wanted, allowed, is]) => given(wanted, allowed) !== is),
    [],
  );
  throws(() => denoOptions(["net"], []), /"net": this agent allows none/);
});

Deno.test("checkAllowed() refuses what is no permission, or two", () => {
  for (const text of ["run", "ffi", "net=a,b", "all", "net=", "read=/a b"]) {
    throws(() => checkAllowed(["env", text]), /it must be like/, text);
  }
});
