import { TransporterError } from "@transporter/sdk";

/** Options of {@linkcode readText}. */
export interface ReadTextOptions {
  /** What is read, for a message: `"web.yaml"`, `standard input`. */
  readonly name: string;
  /** More than that is refused while it is read. */
  readonly bytesMax: number;
}

/**
 * Reads a text to its end, unchanged: a byte order mark and line ends stay.
 *
 * @param stream The bytes; cancelled when there are too many.
 * @param options What it is called, and how long it may be.
 * @throws {TransporterError} `too_large`, or `invalid_manifest` when it is not UTF-8.
 */
export async function readText(
  stream: ReadableStream<Uint8Array>,
  options: ReadTextOptions,
): Promise<string> {
  const { name, bytesMax } = options;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  function decode(chunk?: Uint8Array): string {
    try {
      return chunk === undefined
        ? decoder.decode()
        : decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw new TransporterError(
        "invalid_manifest",
        `Cannot read ${name} as it is not text in UTF-8`,
        { cause },
      );
    }
  }
  let text = "";
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new TransporterError(
        "too_large",
        `Cannot read ${name} as it has more than ${bytesMax} bytes`,
      );
    }
    text += decode(chunk);
  }
  return text + decode();
}
