import { ok, strictEqual } from "node:assert/strict";
import { flood, FLOODS } from "./floods.ts";
import { Victim } from "./hostile.ts";
import { frame, RawWebSocket } from "./web_socket.ts";
import { GROWTH_BYTES_MAX, HANG_MS_MAX, Target } from "./target.ts";

/** How long a flood lasts that nobody stops, in milliseconds; longer until others were answered. */
const FLOOD_MS = 500;

/** How long a flood may go on at most: a machine that is busy otherwise takes its time until a limit is reached. */
const REFUSED_MS_MAX = 60_000;

/** How often somebody else is answered meanwhile, at least; when nobody else had a turn it was never. */
const ANSWERS_MIN = 3;

/** Somebody else, in a process of its own, who asks whether the control plane lives. */
class Prober implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #first = Promise.withResolvers<void>();
  /** How often it was answered. */
  answers = 0;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#reading = this.#read();
  }

  /** Starts it, and waits for its first answer. */
  static async start({ url }: Target): Promise<Prober> {
    const script = new URL("prober.ts", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-lock", "--no-check", "--allow-net", script, url],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const prober = new Prober(child);
    await prober.#first.promise;
    return prober;
  }

  async #read(): Promise<void> {
    const texts = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      this.answers += text.split("\n").length - 1;
      this.#first.resolve();
    }
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#reading;
    await this.#child.status;
  }
}

Deno.test("a control plane that is flooded over one connection answers the others, and does not grow without bound", async () => {
  await using target = await Target.startCp();
  using victim = await Victim.start(target);
  await using prober = await Prober.start(target);
  const wrong: string[] = [];
  async function all(): Promise<number> {
    for (const each of FLOODS) {
      const answers = prober.answers;
      const got = () => prober.answers - answers;
      const refused = await flood(
        target.port,
        each,
        (ms) =>
          ms > REFUSED_MS_MAX ||
          each.end !== "refused" && ms > FLOOD_MS && got() >= ANSWERS_MIN,
      );
      if (each.end !== "either" && refused !== (each.end === "refused")) {
        wrong.push(`${each.name}: ${refused ? "refused" : "open"}`);
      }
      if (!refused && got() < ANSWERS_MIN) {
        wrong.push(`${each.name}: others had ${got()} answers meanwhile`);
      }
    }
    await target.mustBeWell();
    return (await target.memory()).rss;
  }
  const before = await all();
  const after = await all();
  strictEqual(wrong.join("\n"), "");
  ok(after - before <= GROWTH_BYTES_MAX, `${after - before} bytes`);
  await victim.mustBeUnharmed();
  // Nor does the log grow with what comes.
  ok(
    target.program.output.length < 200_000,
    target.program.output.slice(0, 5000),
  );
});

Deno.test("a control plane keeps little of a hundred registrations that are begun with 12 MiB and not finished", async () => {
  await using target = await Target.startCp();
  const begun: RawWebSocket[] = [];
  const { rss } = await target.memory();
  try {
    for (let i = 0; i < 100; i++) {
      const socket = await RawWebSocket.connect(target.port);
      begun.push(socket);
      await socket.send(frame("", { length: 12 * 1024 * 1024 }));
      await socket.send(new Uint8Array(64 * 1024));
      // Beyond this it is closed.
      if (i % 10 === 0) {
        await socket.send(new Uint8Array(1024 * 1024));
        strictEqual(await socket.closed(HANG_MS_MAX), 4413);
      }
    }
    const { rss: now } = await target.memory();
    ok(now - rss <= GROWTH_BYTES_MAX, `${now - rss} bytes`);
    await target.mustBeWell();
  } finally {
    for (const socket of begun) socket[Symbol.dispose]();
  }
});
