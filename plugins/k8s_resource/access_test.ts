import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { TestClock } from "@transporter/sdk/testing";
import { type Access, rereadAccess } from "./access.ts";
import { addNoProxy, inClusterAccess } from "./in_cluster.ts";

Deno.test("rereadAccess() reads once in ten seconds, and at once what was refused", async () => {
  const clock = new TestClock();
  const reads: boolean[] = [];
  const source = rereadAccess((refused) => {
    reads.push(refused);
    return Promise.resolve<Access>({
      server: `https://${reads.length}`,
      connection: {},
    });
  }, clock);
  const [first, same] = await Promise.all([source.current(), source.current()]);
  strictEqual(first, same);
  await clock.advance(9_999);
  strictEqual(await source.current(), first);
  await clock.advance(1);
  const second = await source.current();
  strictEqual(second.server, "https://2");
  const third = await source.current(second);
  strictEqual(third.server, "https://3");
  strictEqual(await source.current(second), third); // somebody else was refused before
  deepStrictEqual(reads, [false, false, true]);
});

Deno.test("rereadAccess() tries again after a failure", async () => {
  let fail = true;
  const source = rereadAccess(
    () =>
      fail
        ? Promise.reject(new RangeError("No"))
        : Promise.resolve({ server: "x", connection: {} }),
    new TestClock(),
  );
  await rejects(source.current(), RangeError);
  fail = false;
  strictEqual((await source.current()).server, "x");
});

Deno.test("inClusterAccess() follows the files, and puts IPv6 addresses in brackets", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(dir, "token"), "one\n");
    await Deno.writeTextFile(join(dir, "ca.crt"), "ca\n");
    const clock = new TestClock();
    const source = inClusterAccess({ dir, host: "fd00::1", port: 443, clock });
    deepStrictEqual(await source.current(), {
      server: "https://[fd00::1]:443",
      token: "one",
      connection: { ca: "ca" },
    });
    await Deno.writeTextFile(join(dir, "token"), "two");
    await Deno.writeTextFile(join(dir, "ca.crt"), "other");
    await clock.advance(10_000);
    const next = await source.current();
    deepStrictEqual([next.token, next.connection.ca], ["two", "other"]);
    await Deno.remove(join(dir, "token"));
    await rejects(source.current(next), { code: "no_cluster" });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("addNoProxy() adds an address once", () => {
  strictEqual(addNoProxy(undefined, "10.0.0.1"), "10.0.0.1");
  strictEqual(addNoProxy("a, b", "[fd00::1]"), "a,b,fd00::1");
  strictEqual(addNoProxy("a,10.0.0.1", "10.0.0.1"), "a,10.0.0.1");
});
