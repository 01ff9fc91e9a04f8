/** What one message between the two ends says besides its text. */
export interface Parcel {
  /** Its number within the session and direction, from 1, and the last one's of several frames; absent for one that only says what was taken. */
  readonly n?: number;
  /** The lengths of its frames in bytes, where it has several. */
  readonly lengths?: readonly number[];
  /** Up to which number the far end's consumer has taken what came. */
  readonly taken?: number;
  /** The far end closes, with this code; its text is the reason. */
  readonly close?: number;
}

/** What carries the parcels of one session. */
export interface Carrier {
  /** Hands one over, in order; what becomes of it shows at the far end. */
  publish(parcel: Parcel, data: Uint8Array): void;
  /** Ends what was for this session only, after what was published. */
  release(): Promise<void>;
}

/** How long a wire waits; all in milliseconds. */
export interface NatsTimes {
  /** How long {@linkcode Wire.close} waits for the server; 5 s when left out. One that is closed with `timeout` is hardly waited for. */
  readonly closeMs?: number;
  /** How long the far end may take nothing while `send` waits; 30 s when left out. */
  readonly stallMs?: number;
}

/** The code of a close as a number; 1011, "internal error", for what is none. */
export function readCloseCode(text: string): number {
  return /^[1-4]\d{3}$/.test(text) ? Number(text) : 1011;
}
