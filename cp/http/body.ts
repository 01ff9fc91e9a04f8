import { TransporterError } from "@transporter/sdk";
import type { IncomingMessage } from "node:http";
import { readFairly } from "../read_fairly.ts";

/** Bytes of bodies that may be in memory at a time: four of the longest. */
const BODIES_BYTES_MAX = 128 * 1024 * 1024;

/** Counts bytes of bodies in memory, so that many long ones at a time cannot fill it. */
export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  /** Makes a budget. */
  constructor(bytesMax: number = BODIES_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** How many bytes are taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes room.
   *
   * @throws {TransporterError} `slow_down`.
   */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.#bytesMax) {
      throw new TransporterError(
        "slow_down",
        "Cannot read the body as too many long ones are being read: try again later",
      );
    }
    this.#bytes += bytes;
  }

  /** Gives room back. */
  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** What a body may be. */
export interface BodyRule {
  /** The media types that are understood. */
  readonly types: readonly string[];
  /** The longest one, in bytes. */
  readonly bytesMax: number;
}

/** A body that was read. */
export interface Body extends Disposable {
  /** Which of the rule's types it has. */
  readonly type: string;
  /** The bytes. */
  readonly bytes: Uint8Array;
}

/** Where a body comes from, and how a client that waits for a word is told to send it. */
export interface BodySource {
  /** The request. */
  readonly incoming: IncomingMessage;
  /** Answers `Expect: 100-continue`. @see {@link https://www.rfc-editor.org/rfc/rfc9110#field.expect} */
  readonly proceed: () => void;
  /** What counts bytes. */
  readonly budget: BodyBudget;
}

/** Whether a request has a body, by its headers. @see {@link https://www.rfc-editor.org/rfc/rfc9112#section-6.3} */
export function hasBody(
  { headers }: Pick<IncomingMessage, "headers">,
): boolean {
  return headers["transfer-encoding"] !== undefined ||
    (headers["content-length"] ?? "0") !== "0";
}

/**
 * Reads the body of a request, as far as it may be read: what is refused by its
 * headers is not read at all. Dispose the body when it is no longer needed.
 *
 * @throws {TransporterError} `invalid_json` for an empty one, `unsupported_media_type`, `too_large`,
 * `slow_down`, `cancelled` when the client goes away.
 */
export async function readBody(
  source: BodySource,
  rule: BodyRule,
): Promise<Body> {
  const { headers } = source.incoming;
  const length = headers["content-length"];
  if (!hasBody(source.incoming)) {
    throw new TransporterError(
      "invalid_json",
      "Cannot read the body: it is empty",
    );
  }
  const type = checkType(headers, rule.types);
  if (Number(length ?? 0) > rule.bytesMax) throw tooLarge(rule.bytesMax);
  if (headers.expect !== undefined) source.proceed();
  return await collect(source, { type, bytesMax: rule.bytesMax });
}

function checkType(
  headers: IncomingMessage["headers"],
  types: readonly string[],
): string {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new TransporterError(
      "unsupported_media_type",
      `Cannot read the body as it is compressed with "${
        encoding.slice(0, 40)
      }": send it as it is`,
    );
  }
  const [name = "", ...parameters] = (headers["content-type"] ?? "").split(";");
  const type = types.find((known) => known === name.trim().toLowerCase());
  const charset = parameters.map((each) =>
    /^charset=("?)(.*)\1$/i.exec(each.trim())?.[2]
  )
    .find((each) => each !== undefined);
  if (type === undefined || (charset ?? "utf-8").toLowerCase() !== "utf-8") {
    const wanted = types.map((known) => `"${known}"`).join(" or ");
    throw new TransporterError(
      "unsupported_media_type",
      `Cannot read the body as its Content-Type must be ${wanted}, in UTF-8: current value is "${
        (headers["content-type"] ?? "").slice(0, 100)
      }"`,
    );
  }
  return type;
}

function collect(
  { incoming, budget }: BodySource,
  { type, bytesMax }: { readonly type: string; readonly bytesMax: number },
): Promise<Body> {
  const { promise, resolve, reject } = Promise.withResolvers<Body>();
  const pieces = new Pieces(bytesMax);
  let taken = 0;
  function give(): void {
    budget.give(taken);
    taken = 0;
    pieces.free();
  }
  function stop(error: TransporterError): void {
    over();
    give();
    reject(error);
  }
  function take(chunk: Uint8Array): void {
    try {
      budget.take(chunk.length);
      taken += chunk.length;
      if (taken > bytesMax) throw tooLarge(bytesMax);
      pieces.add(chunk);
    } catch (error) {
      stop(TransporterError.from(error));
    }
  }
  function end(): void {
    over();
    resolve({ type, bytes: pieces.whole(), [Symbol.dispose]: give });
  }
  function gone(): void {
    stop(
      new TransporterError(
        "cancelled",
        "Cannot read the body as the client went away",
      ),
    );
  }
  function over(): void {
    reading[Symbol.dispose]();
    incoming.off("end", end).off("close", gone);
  }
  // A broken connection shows as an error, and then as a close.
  incoming.on("error", () => {}).on("end", end).on("close", gone);
  const reading = readFairly(incoming, take);
  return promise;
}

function tooLarge(bytesMax: number): TransporterError {
  return new TransporterError(
    "too_large",
    `Cannot read a body of more than ${bytesMax} bytes`,
    { details: { bytes_max: bytesMax } },
  );
}

/** Up to here a body is kept as it came, in bytes; memory that can be given back costs 20 µs. */
const SHORT_BYTES_MAX = 64 * 1024;

/**
 * What was read of a body. A long one is kept in memory that grows in place
 * and is given back at once: what is left to the garbage collector piles up
 * while many of them are refused.
 */
class Pieces {
  readonly #bytesMax: number;
  #short: Uint8Array[] = [];
  #length = 0;
  #long: ArrayBuffer | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(chunk: Uint8Array): void {
    const at = this.#length;
    this.#length += chunk.length;
    if (this.#long === undefined && this.#length <= SHORT_BYTES_MAX) {
      this.#short.push(chunk);
      return;
    }
    this.#long ??= this.#grow(at);
    this.#long.resize(this.#length);
    new Uint8Array(this.#long).set(chunk, at);
  }

  /** All of it; not to be used any more once it is freed. */
  whole(): Uint8Array {
    if (this.#long !== undefined) return new Uint8Array(this.#long);
    const [first] = this.#short;
    return this.#short.length === 1 && first !== undefined
      ? first
      : joined(this.#short, new Uint8Array(this.#length));
  }

  free(): void {
    this.#short = [];
    if (this.#long?.detached === false) this.#long.transfer(0);
  }

  #grow(length: number): ArrayBuffer {
    const long = new ArrayBuffer(length, { maxByteLength: this.#bytesMax });
    joined(this.#short, new Uint8Array(long));
    this.#short = [];
    return long;
  }
}

function joined(chunks: readonly Uint8Array[], bytes: Uint8Array): Uint8Array {
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
