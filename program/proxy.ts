import { TransporterError } from "@transporter/sdk";

/** The variables of a process. */
export type Env = Readonly<Record<string, string>>;

/** What goes through no HTTP proxy. */
interface Proxyless {
  readonly what: string;
  /** The scheme that does. */
  readonly instead: string;
  /** The variables that name a proxy it would have to go through. */
  readonly names: readonly string[];
}

const PLAIN = ["HTTP_PROXY", "ALL_PROXY"];
const NATS_TCP: Proxyless = {
  what: "NATS over TCP",
  instead: "nats+wss",
  names: ["HTTPS_PROXY", ...PLAIN],
};
const SOCKET = { what: "a plain WebSocket", names: PLAIN };

const PROXYLESS: Readonly<Record<string, Proxyless>> = {
  "ws:": { ...SOCKET, instead: "wss" },
  "nats+ws:": { ...SOCKET, instead: "nats+wss" },
  "nats:": NATS_TCP,
  "tls:": NATS_TCP,
};

/**
 * Refuses a URL that only a proxy would reach and that goes through none:
 * Deno asks a proxy for a plain WebSocket by GET, as for a page, which proxies
 * do not upgrade, and dials past it for NATS over TCP.
 *
 * @param url What is to be dialled.
 * @param env The variables, of which some may name a proxy.
 * @throws {TransporterError} `usage`.
 */
export function refuseProxied(url: URL, env: Env): void {
  const { protocol, pathname } = url;
  const kind = Object.hasOwn(PROXYLESS, protocol)
    ? PROXYLESS[protocol]
    : undefined;
  const proxy = kind?.names.find((name) => env[name] || env[lower(name)]);
  if (kind === undefined || proxy === undefined) return;
  const host = lower(url.hostname).replace(/^\[|\]$/g, "");
  if (isDirect(host, env["NO_PROXY"] || env["no_proxy"] || "")) return;
  throw new TransporterError(
    "usage",
    `Cannot dial "${protocol}//${url.host}${pathname}" as ${kind.what} does not go through the proxy in ${proxy}: ` +
      `use ${kind.instead}, or add "${host}" to NO_PROXY`,
  );
}

function lower(text: string): string {
  return text.toLowerCase();
}

/**
 * Whether `NO_PROXY` says that a host is reached without a proxy: what the
 * runtime takes for that, and also what it does not know but people mean: `*`
 * for addresses, `*.` before names, and entries in capitals.
 */
function isDirect(host: string, noProxy: string): boolean {
  const bits = bitsOf(host);
  return lower(noProxy).split(",").map((entry) => entry.trim()).filter(Boolean)
    .some((entry) => {
      if (entry === "*") return true;
      if (bits !== undefined) return isWithin(bits, entry);
      const name = entry.replace(/^\*?\./, "");
      return host === name || host.endsWith(`.${name}`);
    });
}

/** Whether an address is another one, or in a range such as `10.0.0.0/8`. */
function isWithin(bits: string, entry: string): boolean {
  const [address = "", length, ...more] = entry.split("/");
  const range = bitsOf(address);
  if (range?.length !== bits.length || more.length > 0) return false;
  if (length === undefined) return range === bits;
  return /^\d+$/.test(length) && Number(length) <= bits.length &&
    bits.startsWith(range.slice(0, Number(length)));
}

/** The binary digits of an address: 32 or 128; `undefined` for what is none. */
function bitsOf(address: string): string | undefined {
  if (/^\d+(?:\.\d+){3}$/.test(address)) {
    const bytes = address.split(".").map(Number);
    return bytes.some((byte) => byte > 255) ? undefined : digits(bytes, 8);
  }
  if (!address.includes(":")) return undefined;
  // Without zones, and with an IPv4 address in it as two numbers.
  const short = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1);
  if (short === undefined) return undefined;
  const [head = [], tail = []] = short.split("::").map((part) =>
    part.split(":").filter(Boolean).map((text) => parseInt(text, 16))
  );
  const gap = new Array<number>(8 - head.length - tail.length).fill(0);
  return digits([...head, ...gap, ...tail], 16);
}

function digits(numbers: readonly number[], width: number): string {
  return numbers.map((each) => each.toString(2).padStart(width, "0")).join("");
}
