import { cutBy, deadline, TransporterError } from "@transporter/sdk";
import { readText } from "./bytes.ts";
import type { Host } from "./host.ts";
import { stoppedBy } from "./retry.ts";
import { safe } from "./text.ts";

/** A text that was read, and what to call it. */
export interface Source {
  /** The file, the address, or `standard input`. */
  readonly name: string;
  /** The text as it is. */
  readonly text: string;
}

/** Bytes of one source, and of all: what an event takes. */
const BYTES_MAX = 8 * 1024 * 1024;

/** How long an address may take to answer, in milliseconds. */
const URL_TIMEOUT_MS = 30_000;

/** Folders in folders; more is a mistake. */
const DEPTH_MAX = 32;

const MANIFEST_REGEXP = /\.(ya?ml|json)$/i;
const SCHEME_REGEXP = /^[a-z][a-z0-9+.-]*:\/\//i;

function refuse(
  code: "usage" | "unavailable" | "invalid_manifest" | "too_large",
  message: string,
  cause?: unknown,
): never {
  throw new TransporterError(code, message, { cause });
}

function bounded(stream: ReadableStream<Uint8Array>, name: string) {
  return readText(stream, { name, bytesMax: BYTES_MAX });
}

async function readStdin(host: Host): Promise<Source> {
  if (host.stdin.isTerminal) {
    host.stderr.write("Reading standard input; Ctrl-D ends it\n");
  }
  const name = "standard input";
  return { name, text: await bounded(host.stdin.open(), name) };
}

async function readUrl(url: string, host: Host): Promise<Source> {
  const name = `"${safe(url)}"`;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    refuse(
      "usage",
      `Cannot read ${name}: an address starts with http:// or https://`,
    );
  }
  using limit = deadline(host.clock, URL_TIMEOUT_MS, {
    signal: host.signal,
    reason: new TransporterError(
      "unavailable",
      `Cannot read ${name} within ${URL_TIMEOUT_MS / 1000}s`,
    ),
  });
  const { signal } = limit;
  try {
    const response = await host.fetch(url, { signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      refuse(
        "unavailable",
        `Cannot read ${name} as the answer has status ${response.status}`,
      );
    }
    return { name, text: await bounded(cutBy(response.body, signal), name) };
  } catch (cause) {
    if (signal.aborted) throw stoppedBy(signal, cause);
    if (cause instanceof TransporterError) throw cause;
    return refuse(
      "unavailable",
      `Cannot read ${name} as it cannot be reached`,
      cause,
    );
  }
}

/** Does something with a path; what the file system says against it becomes a sentence. */
async function attempt<T>(path: string, what: () => Promise<T>): Promise<T> {
  try {
    return await what();
  } catch (cause) {
    if (cause instanceof TransporterError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    return refuse("usage", `Cannot read "${safe(path)}": ${safe(why)}`, cause);
  }
}

async function readFile(path: string, host: Host): Promise<Source> {
  const name = `"${safe(path)}"`;
  return await attempt(path, async () => ({
    name,
    text: await bounded(await host.files.open(path), name),
  }));
}

async function manifestsIn(
  folder: string,
  host: Host,
  options: { readonly recursive: boolean; readonly depth: number },
): Promise<string[]> {
  const { recursive, depth } = options;
  if (depth > DEPTH_MAX) {
    refuse(
      "usage",
      `Cannot read "${safe(folder)}": folders are nested too deep`,
    );
  }
  const entries = await attempt(folder, () => host.files.list(folder));
  const base = folder.replace(/\/+$/, "");
  const paths: string[] = [];
  // By code units, so that the order is the same on every machine.
  for (
    const { name, isFolder } of entries.toSorted((a, b) =>
      a.name < b.name ? -1 : 1
    )
  ) {
    const path = `${base}/${name}`;
    if (!isFolder && MANIFEST_REGEXP.test(name)) paths.push(path);
    if (isFolder && recursive) {
      paths.push(
        ...await manifestsIn(path, host, { recursive, depth: depth + 1 }),
      );
    }
  }
  return paths;
}

async function readPath(
  path: string,
  host: Host,
  recursive: boolean,
): Promise<Source[]> {
  const kind = await attempt(path, () => host.files.kindOf(path));
  if (kind === undefined) {
    refuse(
      "usage",
      `Cannot find "${safe(path)}": there is no such file or folder`,
    );
  }
  if (kind === "file") return [await readFile(path, host)];
  const paths = await manifestsIn(path, host, { recursive, depth: 1 });
  if (paths.length === 0) {
    refuse(
      "usage",
      `Cannot find manifests in "${
        safe(path)
      }": no file there ends in .yaml, .yml or .json` +
        (recursive ? "" : "; -R also looks into its folders"),
    );
  }
  const sources: Source[] = [];
  for (const each of paths) sources.push(await readFile(each, host));
  return sources;
}

/**
 * Reads what `-f` names: files, folders (the manifests in them, sorted by
 * name), addresses, and `-` for standard input.
 *
 * @param names As typed, in order.
 * @param host Where they are read from.
 * @param options `recursive`: also folders in folders.
 * @returns One text a file, in order.
 * @throws {TransporterError} `usage` for what is not there, `unavailable` for an address that does
 * not answer, `too_large`, `invalid_manifest` for what is no text or empty.
 */
export async function readSources(
  names: readonly string[],
  host: Host,
  options: { readonly recursive?: boolean | undefined } = {},
): Promise<readonly Source[]> {
  if (names.filter((name) => name === "-").length > 1) {
    refuse("usage", 'Cannot use -f "-" twice: standard input can be read once');
  }
  const sources: Source[] = [];
  for (const name of names) {
    if (name === "-") sources.push(await readStdin(host));
    else if (SCHEME_REGEXP.test(name)) sources.push(await readUrl(name, host));
    else {sources.push(
        ...await readPath(name, host, options.recursive ?? false),
      );}
  }
  const empty = sources.find(({ text }) => text.trim() === "");
  if (empty !== undefined) {
    refuse("invalid_manifest", `Cannot use ${empty.name} as it is empty`);
  }
  const bytes = sources.reduce((sum, { text }) => sum + text.length, 0);
  if (bytes > BYTES_MAX) {
    refuse(
      "too_large",
      `Cannot use ${bytes} characters: an event takes ${BYTES_MAX} bytes`,
    );
  }
  return sources;
}

/** The same error, naming the file where it names the number of a manifest. */
export function withNames(
  reason: unknown,
  sources: readonly Source[],
): TransporterError {
  const error = TransporterError.from(reason);
  const message = error.message.replace(
    /\bmanifest (\d+)(?=, document)/g,
    (text, number) => sources[Number(number) - 1]?.name ?? text,
  );
  return new TransporterError(error.code, message, {
    cause: error,
    ...(error.details === undefined ? {} : { details: error.details }),
  });
}
