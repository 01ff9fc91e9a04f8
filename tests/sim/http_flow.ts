import { isRecord, Queue, TransporterError } from "@transporter/sdk";
import type { HttpBatch } from "@transporter/sdk/http";
import { batchOf } from "../../sdk/connectors/http_batch.ts";
import type { Flight, Serve } from "./flight.ts";
import type { Process } from "./machine.ts";
import { type Medium, passes } from "./medium.ts";
import { Pipe } from "./pipe.ts";
import { timersOf } from "./timers.ts";

/** How long a stream may be silent, in milliseconds. */
const SILENT_MS = 25_000;

type Batch = HttpBatch & { readonly after: number };

/** What a stream is made of. */
export interface FlowOptions {
  /** What asks for it. */
  readonly flight: Flight;
  readonly client: Process;
  readonly medium: Medium;
  /** How long its first bytes may take, in milliseconds. */
  readonly firstMs: number;
  /** Told when they are there. */
  readonly opened: () => void;
  /** What the server answers with. */
  readonly batches: Serve<AsyncGenerator<Batch, void, undefined>>;
}

/** An answer that has no end, as `readStream()` of the SDK gives it. */
export async function* streamOf(
  { flight, client, medium, firstMs, opened, batches }: FlowOptions,
): AsyncGenerator<Batch, void, undefined> {
  const timers = timersOf(client);
  const incoming = new Queue<string>(Infinity);
  const silent = () =>
    flight.fail(new TransporterError("timeout", "Stream is silent"));
  let stopWaiting = timers.after(firstMs, silent);
  flight.over.then(
    () => incoming.close(),
    (reason) => incoming.close(TransporterError.from(reason)),
  );
  flight.depart((listener, gone) => {
    const pipe = new Pipe({
      to: client,
      random: medium.random,
      speed: () => medium.speed,
      passes: () => passes(client, listener.process),
      refused: () => {},
      deliver(packet) {
        if (packet.kind === "frame" && !flight.isCut) {
          incoming.push(packet.text);
        } else if (!flight.isCut) flight.succeed(undefined);
      },
    });
    const say = (value: unknown) =>
      pipe.send({ kind: "frame", text: JSON.stringify(value) });
    const move = () => pipe.move(); // a name first: see "Garbage" in CONTRIBUTING.md
    flight.move = move;
    (async () => {
      try {
        const answer = batches(listener, gone);
        say({ frames: [], after: 0 });
        for await (const batch of answer) say(batch);
      } catch (reason) {
        flight.breakAfter(medium.delayMs());
        throw reason;
      } finally {
        pipe.send({ kind: "close", reason: undefined });
      }
    })().catch(() => {}); // the client has heard of it
  });
  let isOpen = false;
  try {
    for await (const text of incoming) {
      if (!isOpen) opened();
      isOpen = true;
      stopWaiting();
      stopWaiting = timers.after(SILENT_MS, silent);
      const value: unknown = JSON.parse(text);
      const after = isRecord(value) ? Number(value["after"]) : NaN;
      const batch = batchOf(value);
      if (batch.frames.length > 0 || batch.close !== undefined) {
        yield { after, ...batch };
      }
    }
  } finally {
    stopWaiting();
    flight.fail(new TransporterError("cancelled", "The stream is not wanted"));
  }
}
