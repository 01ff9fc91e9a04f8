import { type Dial, TransporterError, type Wire } from "@transporter/sdk";

/** The longest frame that either end takes, in bytes: longer messages go in parts. */
const FRAME_BYTES_MAX = 4096;

/**
 * Has both ends of the wires that are dialled ask for short frames, and take
 * none that is longer: messages that are not long go in parts then.
 */
export function inShortFrames(dial: Dial): Dial {
  return async (url, options) => short(await dial(url, options));
}

/** A wire on which no offer is larger, of the agent or of the control plane, and no frame larger than is offered. */
function short(wire: Wire): Wire {
  let registered = false;
  return {
    frames: shortOnes(wire),
    async send(frame) {
      const fits = registered ? fitting(frame) : shortened(frame);
      registered = true;
      await wire.send(fits);
    },
    close: (reason) => wire.close(reason),
  };
}

async function* shortOnes({ frames }: Wire): AsyncGenerator<string> {
  for await (const text of frames) {
    yield text.startsWith('{"type":"welcome"')
      ? shortened(text)
      : fitting(text);
  }
}

function shortened(offer: string): string {
  const shorter = offer.replace(
    /"max_frame":\d+/,
    `"max_frame":${FRAME_BYTES_MAX}`,
  );
  if (shorter !== offer) return shorter;
  throw new TypeError(`There is no "max_frame" in ${offer}`);
}

/** The frame, whose characters take one byte each. */
function fitting(frame: string): string {
  if (frame.length <= FRAME_BYTES_MAX) return frame;
  throw new TransporterError(
    "too_large",
    `Cannot take a frame of more than ${FRAME_BYTES_MAX} bytes`,
  );
}
