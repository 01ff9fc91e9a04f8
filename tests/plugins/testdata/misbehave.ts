/** A plugin that does what no plugin should, as its payload asks. */
import { definePlugin, type ExecutorContext, type Schema } from "@transporter/sdk";

interface Payload {
  readonly do: string;
  readonly repeatable?: boolean;
}

const payload: Schema<Payload> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => ({ value: value as Payload }),
  },
};

function eatHeap(): never {
  const kept: unknown[] = [];
  while (true) kept.push(new Array(100_000).fill(Math.random()));
}

function eatBuffers(): never {
  const kept: Uint8Array[] = [];
  while (true) kept.push(new Uint8Array(1 << 24).fill(1));
}

function spin(): never {
  while (true);
}

const MODULE = "file:///etc/hostname";

const DEEDS: Readonly<
  Record<string, (context: ExecutorContext) => unknown>
> = {
  nothing: () => ({ done: true }),
  exit: () => Deno.exit(3),
  kill: () => Deno.kill(Deno.pid, "SIGKILL"),
  reject() {
    Promise.reject(new Error("Nobody looked"));
    return new Promise(() => {});
  },
  throw() {
    throw new Error("It went wrong");
  },
  spin,
  "eat the heap": eatHeap,
  "eat buffers": eatBuffers,
  "never end": () => new Promise(() => {}),
  "end when told": ({ signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    ),
  "flood standard output"() {
    const text = new TextEncoder().encode("x".repeat(65_536));
    while (true) Deno.stdout.writeSync(text);
  },
  "flood the log"({ log }) {
    while (true) log.info("x".repeat(4000));
  },
  "flood reports"({ report }) {
    for (let i = 0; i < 10_000; i++) report(`Report ${i}`);
    return new Promise(() => {});
  },
  "print in between"() {
    Deno.stdout.writeSync(new TextEncoder().encode('{"t":"done","id":'));
    // deno-lint-ignore no-console -- what plugins should not do
    console.log("as a person would");
    Deno.stdout.writeSync(new TextEncoder().encode("no line break"));
    return { done: true };
  },
  "a result that is no JSON": () => ({ big: 1n }),
  "a result that is too large": () => ({ text: "x".repeat(17 * 1024 * 1024) }),
  "a child that stays"() {
    const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
    return Promise.resolve({ pid: child.pid });
  },
  "read a file": () => Deno.readTextFile("/etc/hostname"),
  "read a file by import": () => import(MODULE, { with: { type: "text" } }),
  "read a file by a module in a module": () =>
    import(
      `data:text/javascript,${
        encodeURIComponent(
          `export { default } from "${MODULE}" with { type: "text" };`,
        )
      }`
    ),
  "look at the environment": () => Deno.env.get("SECRET"),
  "reach the network": () => fetch("http://127.0.0.1:65000/"),
  "run a program": () => new Deno.Command("id").output(),
};

async function act(what: string, context: ExecutorContext): Promise<unknown> {
  const found = DEEDS[what];
  if (found === undefined) throw new Error(`Nobody knows how to ${what}`);
  return await found(context) ?? {};
}

export default definePlugin({
  api: 1,
  type: "misbehave",
  version: "1.0.0",
  payload,
  keys({ do: what }) {
    if (what === "spin before anything") spin();
    return [];
  },
  repeatable: ({ repeatable = false }) => repeatable,
  async validate({ do: what }, context) {
    const [phase, deed = ""] = what.split(": ");
    if (phase === "validate") await act(deed, context);
    return what;
  },
  async apply(what, context) {
    const [phase, deed = ""] = what.split(": ");
    return phase === "apply" ? await act(deed, context) : {};
  },
  async verify(what, _, context) {
    const [phase, deed = ""] = what.split(": ");
    if (phase === "verify") await act(deed, context);
  },
});
