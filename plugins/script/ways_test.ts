/**
 * That ways of confining scripts work where the machine can do what they need:
 * tests of scripts leave out a way that does not work, and a mistake in one
 * must not look like a machine without it.
 */
import { CONFINEMENTS } from "./config.ts";
import { Bench } from "./testing/bench.ts";

const isRoot = Deno.uid() === 0;

/** What each way needs, by itself; root is somebody else under `bwrap`. */
const NEEDS = {
  bwrap: [
    ...(isRoot
      ? ["setpriv", "--reuid=47533", "--regid=47533", "--clear-groups"]
      : []),
    ...["bwrap", "--unshare-user", "--unshare-pid"],
    ...["--ro-bind", "/", "/", "true"],
  ],
  namespaces: ["unshare", "--mount", "--pid", "--fork", "true"],
} as const;

async function succeeds([program = "", ...args]: readonly string[]) {
  try {
    const { success } = await new Deno.Command(program, {
      args,
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false; // there is no such program
  }
}

for (const way of CONFINEMENTS) {
  Deno.test({
    name: `scripts are confined by ${way} where the machine can do that`,
    ignore: !await succeeds(NEEDS[way]),
    async fn() {
      await using _ = await Bench.open({ confinement: way });
    },
  });
}
