/**
 * Asks a control plane whether it lives, again and again, in a process of its
 * own: whoever floods is busy. Prints one line for each answer.
 *
 * Argument: the URL of the control plane.
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for

const [url = ""] = Deno.args;

for (;;) {
  const started = performance.now();
  const answer = await fetch(`${url}/livez`, {
    headers: { connection: "close" },
  });
  await answer.body?.cancel();
  console.log(`${answer.status} ${Math.ceil(performance.now() - started)}`);
  await new Promise((resolve) => setTimeout(resolve, 10));
}
