import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Program } from "../program.ts";
import { until } from "../system.ts";
import { type Ended, Subject } from "./subject.ts";

/** A subject whose programs are shell scripts, and how they ended. */
function subjectOf(
  script: (turn: number) => string,
): Subject & { readonly ends: Ended[] } {
  const ends: Ended[] = [];
  const subject = new Subject({
    name: "subject",
    launch: ({ turn, via }) =>
      new Program(
        new Deno.Command(via[0] ?? "sh", {
          args: [
            ...via.slice(1),
            ...via.length > 0 ? ["sh"] : [],
            "-c",
            script(turn),
          ],
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn(),
      ),
    ended: (end) => {
      ends.push(end);
      return Promise.resolve();
    },
  });
  return Object.assign(subject, { ends });
}

const facts = ({ turn, code, asked }: Ended) => ({ turn, code, asked });

Deno.test("Subject starts a program again that ends by itself, and says so", async () => {
  await using subject = subjectOf((turn) =>
    turn < 3 ? "exit 7" : "exec sleep 60"
  );
  subject.up();
  await until(() => Promise.resolve(subject.starts === 3 || undefined));
  deepStrictEqual(subject.ends.map(facts), [
    { turn: 1, code: 7, asked: false },
    { turn: 2, code: 7, asked: false },
  ]);
});

Deno.test("Subject.kill() and Subject.term() keep it down until it is started", async () => {
  await using subject = subjectOf(() => "echo ready; exec sleep 60");
  subject.up();
  await subject.program?.line(/ready/);
  await subject.kill();
  subject.up();
  subject.up(); // it runs
  await subject.program?.line(/ready/);
  strictEqual(await subject.term(), true);
  deepStrictEqual(subject.ends.map(facts), [
    { turn: 1, code: 137, asked: true },
    { turn: 2, code: 143, asked: true },
  ]);
});

Deno.test("Subject.up() starts the program by way of another one", async () => {
  await using subject = subjectOf(() => "ulimit -n; exec sleep 60");
  subject.up(["prlimit", "--nofile=64:64"]);
  await subject.program?.line(/^64$/);
});
