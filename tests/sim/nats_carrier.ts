import type { DialOptions, Wire } from "@transporter/sdk";
import {
  NatsWire,
  type Parcel,
  unavailable,
} from "../../sdk/connectors/nats_wire.ts";
import type { Process } from "./machine.ts";
import { type Medium, passes } from "./medium.ts";
import { ObservedWire } from "./observed_wire.ts";
import { type Packet, Pipe } from "./pipe.ts";
import { timersOf } from "./timers.ts";

/** Milliseconds after which a message comes once more, or one that was held up comes at last, on average. */
const AGAIN_MS = 500;

/** How long a server takes to say that it has all, in milliseconds. */
const RELEASE_MS = 1;

/** Bytes of a message that the server takes. */
const MESSAGE_BYTES_MAX = 1024 * 1024;

/**
 * Two ends of a wire over a broker that loses some messages, repeats some, and
 * lets some overtake others. Of an end that dies the broker tells the other
 * only that nobody takes what it sends.
 */
export function connectNats(
  medium: Medium,
  client: Process,
  server: Process,
  { frameBytesMax }: Pick<DialOptions, "frameBytesMax">,
): { readonly near: Wire; readonly far: Wire } {
  const { random } = medium;
  const wireOf = (process: Process, out: () => Pipe): NatsWire =>
    new NatsWire({
      frameBytesMax,
      sendBytesMax: MESSAGE_BYTES_MAX,
      timers: timersOf(process),
      gathers: true,
      carrier: {
        publish: (parcel, data) => carry(medium, out(), { parcel, data }),
        release: () => process.clock.sleep(RELEASE_MS),
      },
    });
  const pipeTo = (
    to: Process,
    wire: () => NatsWire,
    refused: () => void,
  ): Pipe =>
    new Pipe({
      random,
      speed: () => medium.speed,
      passes: () => passes(client, server),
      to,
      deliver: (packet) => deliver(packet, wire()),
      refused,
    });
  const near = wireOf(client, () => there);
  const far = wireOf(server, () => back);
  const there: Pipe = pipeTo(server, () => far, () => back.break(RELEASE_MS));
  const back: Pipe = pipeTo(client, () => near, () => {});
  const observed = new ObservedWire(far, medium.observe(client, server));
  let whole = true;
  medium.add({
    client,
    server,
    move() {
      for (const pipe of [there, back]) pipe.move();
    },
    isOpen() {
      return whole && !observed.over && client.alive && server.alive;
    },
    cut([clientMs, serverMs]) {
      whole = false;
      for (const pipe of [there, back]) pipe.lose();
      if (clientMs < Infinity) back.break(clientMs);
      if (serverMs < Infinity) there.break(serverMs);
    },
  });
  return { near, far: observed };
}

/** What the broker does with a message. */
function carry(
  { loop, random, lossy }: Medium,
  pipe: Pipe,
  { parcel, data }: { readonly parcel: Parcel; readonly data: Uint8Array },
): void {
  const send = () => pipe.send({ kind: "parcel", parcel, data });
  const later = () => loop.after(random.exponential(AGAIN_MS), "parcel", send);
  const fate = lossy === 0 ? Infinity : random.next() / lossy;
  if (fate < 1) return; // lost
  if (fate < 2) return void later(); // others overtake it
  send();
  if (fate < 4) later(); // and comes twice
}

function deliver(packet: Packet, wire: NatsWire): void {
  if (packet.kind === "parcel") wire.receive(packet.parcel, packet.data);
  else wire.ended(unavailable("the connection to the broker broke"));
}
