import { deepStrictEqual } from "node:assert/strict";
import { settle, TestClock } from "@transporter/sdk/testing";
import { NOTE_MS, Notes } from "./notes.ts";

/** A log of which so much was read, and what was noted of it. */
class Place implements AsyncDisposable {
  readonly clock = new TestClock();
  read = 0;
  readonly noted: number[] = [];
  sending: PromiseWithResolvers<void> | undefined;
  readonly notes = new Notes({
    clock: this.clock,
    read: () => ({
      place: { time: "", index: 0, chars: this.read },
      bytes: { stdout: this.read, stderr: 0 },
    }),
    sent: async () => await this.sending?.promise,
    note: ({ bytes }) => {
      this.noted.push(bytes.stdout);
      return Promise.resolve();
    },
  });

  async reads(to: number): Promise<void> {
    this.read = to;
    this.notes.look();
    await settle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.notes[Symbol.asyncDispose]();
  }
}

Deno.test("Notes.look() notes how far a log was read, at once and then every five seconds", async () => {
  await using place = new Place();
  await place.reads(1);
  await place.clock.advance(NOTE_MS - 1);
  await place.reads(2);
  await place.clock.advance(1);
  await place.reads(3);
  deepStrictEqual(place.noted, [1, 3]);
});

Deno.test("Notes.look() notes nothing that is not sent, and all of it once it is", async () => {
  await using place = new Place();
  place.sending = Promise.withResolvers();
  await place.reads(1);
  await place.clock.advance(NOTE_MS);
  await place.reads(2);
  deepStrictEqual(place.noted, []);
  place.sending.resolve();
  await settle();
  deepStrictEqual(place.noted, [1, 2]);
});

Deno.test("Notes notes nothing after its end", async () => {
  const place = new Place();
  place.sending = Promise.withResolvers();
  await place.reads(1);
  await place[Symbol.asyncDispose]();
  place.sending.resolve();
  await settle();
  deepStrictEqual(place.noted, []);
});
