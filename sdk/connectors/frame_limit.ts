import { TransporterError } from "../mod.ts";

const encoder = new TextEncoder();

/** Whether a frame has more bytes than it may have. */
export function isLonger(frame: string, bytesMax: number): boolean {
  if (frame.length > bytesMax) return true;
  // A character takes at most three bytes.
  return frame.length * 3 > bytesMax && encoder.encode(frame).length > bytesMax;
}

/** Says that it has. */
export function tooLong(bytesMax: number): TransporterError {
  return new TransporterError(
    "too_large",
    `Cannot take a frame of more than ${bytesMax} bytes`,
  );
}
