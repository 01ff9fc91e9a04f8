import { CelError, CelValue } from "./value.ts";

/** An IP address. */
export class Ip extends CelValue {
  readonly kind = "net.IP";
  override readonly size: number;
  constructor(readonly number: bigint, readonly bits: 32 | 128) {
    super();
    this.size = bits / 8;
  }
  equals(other: CelValue): boolean {
    return other instanceof Ip && other.bits === this.bits &&
      other.number === this.number;
  }
}

/** A range of addresses, by what they begin with. */
export class Cidr extends CelValue {
  readonly kind = "net.CIDR";
  override readonly size: number;
  constructor(readonly ip: Ip, readonly length: number) {
    super();
    this.size = Math.ceil(length / 8);
  }
  equals(other: CelValue): boolean {
    return other instanceof Cidr && other.length === this.length &&
      other.ip.equals(this.ip);
  }
}

const OCTET_REGEXP = /^(?:0|[1-9]\d{0,2})$/;

function readFour(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  if (!parts.every((each) => OCTET_REGEXP.test(each) && Number(each) < 256)) {
    return undefined;
  }
  return parts.reduce((sum, each) => sum * 256n + BigInt(each), 0n);
}

function groupsOf(text: string): bigint[] | undefined {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes(".")) {
      const four = readFour(part);
      if (four === undefined) return undefined;
      groups.push(four >> 16n, four & 0xffffn);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}

function readSix(text: string): bigint | undefined {
  const halves = text.split("::");
  const [head, tail] = [groupsOf(halves[0] ?? ""), groupsOf(halves[1] ?? "")];
  if (halves.length > 2 || head === undefined || tail === undefined) {
    return undefined;
  }
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const zeros = Array.from({ length: missing }, () => 0n);
  return [...head, ...zeros, ...tail].reduce(
    (sum, each) => (sum << 16n) + each,
    0n,
  );
}

/** Whether an address is one of the older kind, written as one of the newer. */
function isMapped(number: bigint): boolean {
  return number >> 32n === 0xffffn;
}

function address(text: string): Ip | undefined {
  const isSix = text.includes(":");
  const number = isSix ? readSix(text) : readFour(text);
  return number === undefined ? undefined : new Ip(number, isSix ? 128 : 32);
}

/** Reads an IP address. */
export function readIp(text: string): Ip {
  if (text.includes("%") && text.includes(":")) {
    throw new CelError(
      `IP address ${JSON.stringify(text)} with zone value is not allowed`,
    );
  }
  const ip = address(text);
  if (ip === undefined) {
    throw new CelError(
      `IP Address ${
        JSON.stringify(text)
      } parse error during conversion from string: ParseAddr(${
        JSON.stringify(text)
      }): unable to parse IP`,
    );
  }
  if (ip.bits === 128 && isMapped(ip.number)) {
    throw new CelError(
      `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`,
    );
  }
  return ip;
}

/** Reads a range such as `10.0.0.0/8`. */
export function readCidr(text: string): Cidr {
  const [, head = "", length = ""] = /^(.*)\/(0|[1-9]\d{0,2})$/.exec(text) ??
    [];
  const ip = head.includes("%") ? undefined : address(head);
  if (ip === undefined || Number(length) > ip.bits) {
    throw new CelError(
      `network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(${
        JSON.stringify(text)
      }): no prefix`,
    );
  }
  if (ip.bits === 128 && isMapped(ip.number)) {
    throw new CelError(
      `network address parse error during conversion from string: IPv4-mapped IPv6 address ${
        JSON.stringify(text)
      } is not allowed`,
    );
  }
  return new Cidr(ip, Number(length));
}

/** The first bits of an address. */
export function prefixOf({ number, bits }: Ip, length: number): bigint {
  return number >> BigInt(bits - length);
}

function writeSix(number: bigint): string {
  const groups = Array.from(
    { length: 8 },
    (_, at) => (number >> BigInt(16 * (7 - at)) & 0xffffn).toString(16),
  );
  const text = groups.join(":");
  const runs = [...text.matchAll(/\b0(?::0\b)+/g)]
    .sort((a, b) => b[0].length - a[0].length);
  const [longest] = runs;
  if (longest === undefined) return text;
  const head = text.slice(0, longest.index).replace(/:$/, "");
  const tail = text.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${head}::${tail}`;
}

/** Writes an address as everybody should. */
export function showIp({ number, bits }: Ip): string {
  if (bits === 128) return writeSix(number);
  return [24n, 16n, 8n, 0n].map((by) => number >> by & 0xffn).join(".");
}
