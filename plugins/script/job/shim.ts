/** Where the Pod finds what runs its script, as a key of its Secret and as a file. */
export const SHIM_KEY = "shim";

/**
 * Processes and threads that a script may have beside its own, as all of a user
 * are counted on a node: four of the shim, of as many scripts at the same time
 * as the quota of deploy/script/jobs.yaml lets run.
 */
export const SHIM_PROCESSES = 128;

/** Memory of it, in MiB. */
export const SHIM_MIB = 96;

/** How long what a script left behind may write after its end, in milliseconds. */
const LATE_MS = 1000;

/**
 * Runs a script in its Pod, and tells apart what it writes: each line on standard
 * output is one letter and a JSON value, `o` and `e` for a piece of standard
 * output and error, `u` for what it has used, the last one.
 *
 * The script is of the same user and could write such lines itself, or change
 * this process, were it not that nobody of that user may look into one that is
 * not dumpable. What comes of its event, such as `LD_PRELOAD`, it is given by the
 * shell that this starts.
 *
 * This function stands alone, as its text is what the Pod gets.
 */
async function shim(
  [command = "", ...args]: readonly string[],
  lateMs: number,
): Promise<never> {
  const [setDumpable, self, children] = [4, 0, -1];
  const long = "i64" as const;
  const { symbols } = Deno.dlopen("libc.so.6", {
    prctl: { parameters: ["i32", long, long, long, long], result: "i32" },
    getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  });
  if (symbols.prctl(setDumpable, 0n, 0n, 0n, 0n) !== 0) Deno.exit(125);

  const encoder = new TextEncoder();
  function write(letter: string, value: unknown): void {
    let bytes = encoder.encode(`${letter}${JSON.stringify(value)}\n`);
    while (bytes.length > 0) {
      bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
    }
  }
  async function pass(
    letter: string,
    stream: ReadableStream<Uint8Array>,
  ): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      for (let at = 0; at < chunk.length; at += 4096) {
        const piece = chunk.subarray(at, at + 4096);
        write(letter, decoder.decode(piece, { stream: true }));
      }
    }
    const rest = decoder.decode();
    if (rest !== "") write(letter, rest);
  }

  /** Times in nanoseconds, and the most memory of one process in bytes: `struct rusage` of 64-bit Linux. */
  function usage(who: number) {
    const used = new BigInt64Array(18);
    symbols.getrusage(who, new Uint8Array(used.buffer));
    const [userS = 0, userUs = 0, systemS = 0, systemUs = 0, kib = 0] = Array
      .from(used, Number);
    return {
      user: userS * 1e9 + userUs * 1e3,
      system: systemS * 1e9 + systemUs * 1e3,
      memory: kib * 1024,
    };
  }

  const child = new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Until it becomes another program, a process counts as having what this one has.
  const { memory: floor } = usage(self);
  Deno.addSignalListener("SIGTERM", () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It is gone.
    }
  });
  const passed = Promise.all([
    pass("o", child.stdout),
    pass("e", child.stderr),
  ]);
  const { code } = await child.status;
  await Promise.race([
    passed,
    new Promise((resolve) => setTimeout(resolve, lateMs)),
  ]);
  const { user, system, memory } = usage(children);
  write("u", {
    user_time: user,
    system_time: system,
    ...(memory > floor ? { memory_max_bytes: memory } : {}),
  });
  Deno.exit(code);
}

/** The text of the module that runs a script. */
export const SHIM_TEXT: string = `(${shim})(Deno.args, ${LATE_MS})`;

/**
 * The command line that stands in front of that of a container.
 *
 * @param deno Where its image has Deno.
 */
export function shimCommand(deno: string): readonly string[] {
  return [
    ...[deno, "run", "--quiet", "--no-prompt", "--no-config", "--no-lock"],
    ...["--no-remote", "--no-npm", "--allow-all", "--ext=js"],
    "--v8-flags=--single-threaded", // as threads are counted
    `/run/script/${SHIM_KEY}`,
  ];
}
