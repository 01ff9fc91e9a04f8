import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Link, type LogFrame, type Wire } from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { settle, TestClock } from "@transporter/sdk/testing";
import { KEPT_BYTES_MAX, Outputs, type Taker } from "./outputs.ts";

const MIB = 1024 * 1024;
const CHARS = "abcdefghijklmnopqrstuvwxyz";
const TAKER: Taker = { takes: true, acknowledges: true };

/** The outputs of an agent, and the far ends of its links. */
class Place {
  readonly clock = new TestClock();
  held = false;
  readonly outputs = new Outputs(this.clock, () => this.held);
  /** What came over all links. */
  readonly frames: LogFrame[] = [];

  /** Opens a link; what it carries is read, unless it is stuck. */
  attach(taker = TAKER, stuck = false): { link: Link; far: Wire } {
    const [near, far] = memoryWires();
    const link = new Link(near, { clock: this.clock });
    if (!stuck) this.#read(far);
    this.outputs.attach(link, taker);
    return { link, far };
  }

  async #read(far: Wire): Promise<void> {
    for await (const text of far.frames) this.frames.push(JSON.parse(text));
  }

  /** What came since the last call, in short. */
  async came(): Promise<string[]> {
    await settle();
    return this.frames.splice(0).map((
      { event_id: id, stream, off, data, trunc = false, again = false },
    ) =>
      [id, stream, off, data, trunc ? "trunc" : "", again ? "again" : ""]
        .join(" ").trim()
    );
  }
}

Deno.test("Outputs keeps what is written without a link, and sends it over the next one", async () => {
  const place = new Place();
  const output = place.outputs.open("e1", 1);
  output.write("stdout", "one ");
  await place.clock.advance(40);
  output.write("stdout", "two ");
  output.write("stderr", "oh");
  output.close();
  place.attach();
  deepStrictEqual(await place.came(), [
    "e1 stdout 0 one two",
    "e1 stderr 0 oh",
  ]);
});

Deno.test("Outputs sends again what a link did not acknowledge, as it was, and says so", async () => {
  const place = new Place();
  const first = place.attach();
  const output = place.outputs.open("e1", 1);
  for (const text of ["a", "b", "c"]) {
    output.write("stdout", text);
    await place.clock.advance(40);
  }
  place.outputs.acknowledged(1);
  deepStrictEqual((await place.came()).length, 3);
  place.outputs.detach(first.link);
  output.write("stdout", "d");
  const second = place.attach();
  await place.clock.advance(40);
  output.write("stdout", "e");
  deepStrictEqual(await place.came(), [
    "e1 stdout 1 b  again",
    "e1 stdout 2 c  again",
    "e1 stdout 3 d",
    "e1 stdout 4 e",
  ]);
  place.outputs.acknowledged(4);
  place.outputs.detach(second.link);
  place.attach();
  deepStrictEqual(await place.came(), []);
});

Deno.test("Outputs sends again what was written to a link that had ended", async () => {
  const place = new Place();
  const { link } = place.attach();
  await link.close();
  const output = place.outputs.open("e1", 1);
  output.write("stdout", "a");
  output.close();
  await settle();
  place.outputs.detach(link);
  place.attach();
  deepStrictEqual(await place.came(), ["e1 stdout 0 a  again"]);
});

Deno.test("Outputs keeps nothing for a control plane that takes none, or does not say what it has", async () => {
  for (
    const taker of [
      { takes: false, acknowledges: false },
      { takes: true, acknowledges: false },
    ]
  ) {
    const place = new Place();
    const before = place.outputs.open("e1", 1);
    before.write("stdout", "before");
    const { link } = place.attach(taker);
    before.write("stderr", "after");
    before.close();
    strictEqual((await place.came()).length, taker.takes ? 2 : 0);
    place.outputs.detach(link);
    place.attach();
    deepStrictEqual(await place.came(), []);
  }
});

Deno.test("Outputs has a MiB under way, and sends on what is acknowledged", async () => {
  const place = new Place();
  place.attach();
  const output = place.outputs.open("e1", 1);
  const text = "x".repeat(2 * MIB);
  output.write("stdout", text);
  output.close();
  await settle();
  const bytes = () =>
    place.frames.reduce((sum, { data }) => sum + data.length, 0);
  ok(bytes() > 0.9 * MIB && bytes() <= MIB);
  place.outputs.acknowledged(place.frames.length - 1);
  await settle();
  ok(bytes() > 1.9 * MIB && bytes() < 2 * MIB);
  place.outputs.acknowledged(place.frames.length);
  await settle();
  strictEqual(place.frames.map(({ data }) => data).join(""), text);
});

Deno.test("Outputs waits while the control plane takes no statuses, or the link is full", async () => {
  const place = new Place();
  place.held = true;
  const { link } = place.attach();
  const output = place.outputs.open("e1", 1);
  output.write("stdout", "a");
  await place.clock.advance(1000);
  deepStrictEqual(await place.came(), []);
  place.held = false;
  await place.clock.advance(40);
  deepStrictEqual(await place.came(), ["e1 stdout 0 a"]);
  place.held = true;
  output.write("stdout", "b");
  await place.clock.advance(40);
  place.outputs.detach(link); // nothing looks at it any more
  strictEqual(place.clock.sleeping, 0);
});

Deno.test("Outputs.flushed() resolves when all is sent", async () => {
  const place = new Place();
  await place.outputs.flushed();
  const output = place.outputs.open("e1", 1);
  output.write("stdout", "a");
  let flushed = false;
  const end = place.outputs.flushed().then(() => flushed = true);
  await settle();
  strictEqual(flushed, false);
  place.attach();
  await end;
});

Deno.test("Outputs leaves out the oldest of what is more than may be kept, and says where", async () => {
  const place = new Place();
  const output = place.outputs.open("e1", 1);
  output.write("stdout", "first");
  output.close();
  for (let i = 2; i < 12; i++) {
    const output = place.outputs.open(`e${i}`, 1);
    output.write("stdout", `${i}`.padStart(2 * MIB, " "));
    output.close();
  }
  place.attach();
  for (let seen = 0; seen < place.frames.length || seen === 0;) {
    await settle();
    seen = place.frames.length;
    place.outputs.acknowledged(seen);
    await settle();
  }
  const bytes = place.frames.reduce((sum, { data }) => sum + data.length, 0);
  ok(bytes <= KEPT_BYTES_MAX && bytes > 0.9 * KEPT_BYTES_MAX, `${bytes}`);
  const ids = new Set(place.frames.map(({ event_id: id }) => id));
  ok(!ids.has("e1") && ids.has("e11"));
  deepStrictEqual(
    place.frames.filter(({ trunc }) => trunc).map(({ off }) => off > 0),
    [true],
  );
});

Deno.test("Outputs says where it leaves out what a link may have lost", async () => {
  const place = new Place();
  const { link } = place.attach();
  const output = place.outputs.open("e1", 1);
  for (const text of ["a", "b"]) {
    output.write("stdout", text);
    await place.clock.advance(40);
  }
  deepStrictEqual(await place.came(), ["e1 stdout 0 a", "e1 stdout 1 b"]);
  place.outputs.detach(link);
  // So much that there is no room for the first of them any more, but for the second.
  const room = KEPT_BYTES_MAX - 2 * (1 + 512);
  for (let left = room + 1; left > 0;) {
    const other = place.outputs.open("e2", 1);
    const bytes = Math.min(left - 512, 16 * 1024);
    other.write("stdout", "x".repeat(bytes));
    other.close();
    left -= bytes + 512;
  }
  place.attach();
  deepStrictEqual((await place.came())[0], "e1 stdout 1 b trunc again");
});

Deno.test("Outputs has a bounded number of tiny pieces under way", async () => {
  const place = new Place();
  place.attach();
  const output = place.outputs.open("e1", 1);
  for (let i = 0; i < 3000; i++) {
    output.write("stdout", "x");
    output.write("stderr", "y");
  }
  await settle();
  const { length } = place.frames;
  ok(length > 1000 && length <= MIB / 512, `${length}`);
});

Deno.test("Outputs takes no more memory than what waits, however it was written", () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const held = () => (collect(), Deno.memoryUsage().heapUsed);
  const place = new Place();
  const before = held();
  // Joined of single characters, it would take twenty times its length.
  const output = place.outputs.open("e1", 1);
  for (let n = 0; n < 2 * MIB; n++) {
    output.write("stdout", CHARS.charAt(n % 26));
  }
  // Cut out of texts, their beginnings would keep the rest.
  for (let i = 0; i < 4; i++) {
    const output = place.outputs.open(`e${i}`, 2);
    output.write("stdout", `${CHARS.charAt(i).repeat(8 * MIB)}\n`);
    output.close();
  }
  const grown = held() - before;
  ok(grown < 2.5 * 10 * MIB, `${grown} bytes are held`);
  output.close(); // so all of it is there until now
});

Deno.test("Outputs keeps a bounded number of tiny pieces", async () => {
  const place = new Place();
  const outputs = [1, 2].map((i) => place.outputs.open(`e${i}`, 1));
  for (let i = 0; i < 40_000; i++) {
    for (const output of outputs) output.write("stdout", "x");
    outputs[0]?.write("stderr", "y");
  }
  for (const output of outputs) output.close();
  place.attach();
  await settle();
  ok(place.frames.length <= KEPT_BYTES_MAX / 512);
});
