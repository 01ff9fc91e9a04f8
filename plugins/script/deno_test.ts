/** Scripts of Deno, with a Deno that another user may run. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Bench, testWays, type Way } from "./testing/bench.ts";

/** Opens a bench whose scripts Deno runs, from a place that everybody may look into. */
async function open(way: Way, permissions?: readonly string[]) {
  const dir = await Deno.makeTempDir({ dir: "/tmp" });
  await Deno.chmod(dir, 0o755);
  const deno = `${dir}/deno`;
  await Deno.copyFile(Deno.execPath(), deno);
  await Deno.writeTextFile(`${dir}/canary`, "canary of the machine");
  const bench = await Bench.open({
    confinement: way,
    interpreters: [`deno=${deno}`],
    ...(permissions === undefined ? {} : { deno_permissions: permissions }),
  });
  return {
    bench,
    canary: `${dir}/canary`,
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

const TRY = `async function attempt(name: string, what: () => unknown) {
  try {
    await what();
    console.log(name);
  } catch (error) {
    console.error(\`\${name}: \${(error as Error).message}\`);
  }
}
console.log(Deno.args.join("|"));
await attempt("write", () => Deno.writeTextFile("/tmp/a", "a"));
await attempt("read", () => Deno.readTextFile("/tmp/a"));
await attempt("read all", () => Deno.readDir("/")[Symbol.asyncIterator]().next());
await attempt("env", () => Deno.env.get("HOME"));
await attempt("run", () => new Deno.Command("/bin/true").output());
await attempt("net", () => fetch("http://127.0.0.1:1"));
`;

testWays(
  "script of Deno may do what its event names, and no more",
  async (way) => {
    await using opened = await open(way);
    const payload = {
      script: TRY,
      interpreter: "deno",
      args: ["a b", "--allow-all"],
    };
    const none = await opened.bench.run(payload);
    strictEqual(none.stdout, "a b|--allow-all\n", none.stderr);
    const some = await opened.bench.run({
      ...payload,
      permissions: ["read=/tmp", "write=/tmp/a", "env=HOME"],
    });
    deepStrictEqual(some.stdout.split("\n").slice(1, -1), [
      "write",
      "read",
      "env",
    ]);
    const much = await opened.bench.run({ ...payload, permissions: ["net"] });
    deepStrictEqual(much.last.error, {
      code: "denied",
      message:
        'Cannot give a script the permission "net": this agent allows "read=/tmp", "write=/tmp", "env"',
    });
  },
);

testWays(
  "script of Deno reads no file of the machine by importing it",
  async (way) => {
    await using opened = await open(way);
    const { canary } = opened;
    const { last, stdout } = await opened.bench.run({
      script:
        `import text from "file://${canary}" with { type: "text" };\nconsole.log(text);`,
      interpreter: "deno",
    });
    strictEqual(stdout, "");
    match(last.message, /ended with exit code 1/);
  },
);
