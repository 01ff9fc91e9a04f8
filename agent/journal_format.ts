import { sha256, TransporterError } from "@transporter/sdk";
import { crc32c } from "./crc32c.ts";
import type { JournalRecord } from "./journal_record.ts";

const FORMAT = "transporter agent journal";

/** A checksum, a length and a link of the chain, before the records themselves. */
const LINE_REGEXP = /^([0-9a-f]{8}) (\d+) ([0-9a-f]{32}) /;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function hash(text: string): string {
  return sha256(text).slice(0, 32);
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

/** The first line of a journal, which every version can read. */
export function journalHeader(version: number): Uint8Array {
  return encoder.encode(`${JSON.stringify({ format: FORMAT, version })}\n`);
}

/** The chain before the first record. */
export const CHAIN_START: string = hash(FORMAT);

/** One line of a journal, and the chain after it. */
export interface JournalLine {
  /** What is appended to the file. */
  readonly bytes: Uint8Array;
  /** What the next line is chained to. */
  readonly chain: string;
}

/**
 * Writes the records of one fsync as one line: `CRC LENGTH CHAIN JSON`. They
 * are all there after a crash, or none is.
 *
 * The checksum (CRC-32C) is over the rest of the line, the length counts the
 * bytes of the JSON, and the chain is a hash of the previous line's chain and
 * the JSON, so that no line can go missing or change places.
 */
export function encodeLine(
  records: readonly JournalRecord[],
  before: string,
): JournalLine {
  const json = JSON.stringify(records);
  const chain = hash(before + json);
  const rest = `${encoder.encode(json).length} ${chain} ${json}`;
  return {
    bytes: encoder.encode(`${hex(crc32c(encoder.encode(rest)))} ${rest}\n`),
    chain,
  };
}

/** What a journal has. */
export interface JournalContent {
  /** The version that it was written in. */
  readonly version: number;
  /** Its records, as that version has them. */
  readonly records: readonly unknown[];
  /** What the next line is chained to. */
  readonly chain: string;
  /** Where it ends; a torn line may follow. */
  readonly end: number;
}

/**
 * Reads the records of a journal and verifies every byte of it.
 *
 * Each line is fsynced before the next is written, so only the last one can be
 * torn: half a line, or one whose middle never reached the disk. That one was
 * never answered for, and is left out. Anything else that does not verify is
 * damage, and skipping it could run an event twice.
 *
 * @param bytes All of it.
 * @param versionMax The newest version that this program knows.
 * @throws {TransporterError} `store_unavailable` for a damaged journal, and one of a newer version.
 */
export function readJournal(
  bytes: Uint8Array,
  versionMax: number,
): JournalContent {
  const header = readHeader(bytes, versionMax);
  let at = header.end;
  let chain = CHAIN_START;
  const records: unknown[] = [];
  while (at < bytes.length) {
    const end = lineEnd(bytes, at);
    const line = readLine(trimZeros(bytes.subarray(at, end - 1)), chain);
    if (typeof line === "string" || end > bytes.length) {
      const torn = end >= bytes.length && line !== "damaged";
      if (!torn) refuse(`the record at byte ${at} is damaged`);
      break;
    }
    records.push(...line.records);
    chain = line.chain;
    at = end;
  }
  return { version: header.version, records, chain, end: at };
}

function refuse(problem: string): never {
  throw new TransporterError(
    "store_unavailable",
    `Cannot use the journal as ${problem}: restore it, or remove it, which makes the control plane ` +
      "treat what it had handed over as interrupted",
  );
}

/** The index after the line break that ends the line; beyond the end when there is none. */
function lineEnd(bytes: Uint8Array, from: number): number {
  const end = bytes.indexOf(10, from);
  return end === -1 ? bytes.length + 1 : end + 1;
}

/** Without the zeros that a file has where it grew and nothing was written. */
function trimZeros(bytes: Uint8Array): Uint8Array {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return bytes.subarray(0, length);
}

function readHeader(
  bytes: Uint8Array,
  versionMax: number,
): { version: number; end: number } {
  const end = lineEnd(bytes, 0);
  let header: { format?: unknown; version?: unknown } | null = null;
  try {
    header = JSON.parse(decoder.decode(bytes.subarray(0, end - 1)));
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) {
      throw error;
    }
  }
  if (header?.format !== FORMAT || end > bytes.length) {
    refuse("its first line is damaged");
  }
  const { version } = header;
  if (!Number.isSafeInteger(version) || Number(version) < 1) {
    refuse("its first line is damaged");
  }
  if (Number(version) > versionMax) {
    throw new TransporterError(
      "store_unavailable",
      `Cannot use the journal as its version is "${version}" and this program knows ` +
        `${versionMax}: run the program that wrote it, or a newer one`,
    );
  }
  return { version: Number(version), end };
}

/** Reads what stands before the line break; a bad line that cannot come from a torn write is `damaged`. */
function readLine(
  bytes: Uint8Array,
  before: string,
): { records: unknown[]; chain: string } | "bad" | "damaged" {
  // Of characters of one byte up to the JSON, so that indexes are byte offsets.
  const head = LINE_REGEXP.exec(String.fromCharCode(...bytes.subarray(0, 64)));
  if (head === null) return "bad";
  const [prefix, crc, length, chain = ""] = head;
  // A write that was cut short leaves less than was meant, never more: a line break was damaged.
  const missing = prefix.length + Number(length) - bytes.length;
  if (missing !== 0) return missing < 0 ? "damaged" : "bad";
  if (hex(crc32c(bytes.subarray(9))) !== crc) return "bad";
  const json = decoder.decode(bytes.subarray(prefix.length));
  if (hash(before + json) !== chain) return "damaged";
  return { records: JSON.parse(json) as unknown[], chain };
}
