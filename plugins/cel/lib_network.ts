import { Cidr, Ip, prefixOf, readCidr, readIp, showIp } from "./address.ts";
import { traversal } from "./meter.ts";
import { always, type CostRule, declare, type Overload } from "./overload.ts";
import { isReadable, lengthOf, sizeOf } from "./value.ts";

const IP = "net.IP";
const CIDR = "net.CIDR";

/** Whether an address begins as one of these; by how many bits it has. */
function begins(
  four: readonly (readonly [bigint, number])[],
  six: readonly (readonly [bigint, number])[],
): (ip: Ip) => boolean {
  return (ip) =>
    (ip.bits === 32 ? four : six).some(([prefix, length]) =>
      prefixOf(ip, length) === prefix
    );
}

const isUnspecified = begins([[0n, 32]], [[0n, 128]]);
const isLoopback = begins([[127n, 8]], [[1n, 128]]);
const isLinkLocalMulticast = begins([[0xe00000n, 24]], [[0xff02n, 16]]);
const isLinkLocalUnicast = begins([[0xa9fen, 16]], [[0x3fan, 10]]);
const isMulticast = begins([[0xen, 4]], [[0xffn, 8]]);
const isBroadcast = begins([[0xffffffffn, 32]], []);

function isGlobalUnicast(ip: Ip): boolean {
  return !isUnspecified(ip) && !isLoopback(ip) && !isMulticast(ip) &&
    !isLinkLocalUnicast(ip) && !isBroadcast(ip);
}

function hasIp({ ip, length }: Cidr, other: Ip): boolean {
  return ip.bits === other.bits &&
    prefixOf(ip, length) === prefixOf(other, length);
}

function hasCidr(cidr: Cidr, other: Cidr): boolean {
  return cidr.length <= other.length && hasIp(cidr, other.ip);
}

function masked({ ip, length }: Cidr): Cidr {
  const rest = BigInt(ip.bits - length);
  return new Cidr(new Ip((ip.number >> rest) << rest, ip.bits), length);
}

const parsed = always((text: string) => traversal(lengthOf(text)));
const nominal = always(() => 1);

/** Comparing a range with what is in it; a text is read first. */
function compared(more: number): CostRule {
  return always((cidr: Cidr, other: unknown) =>
    traversal(cidr.size * 2) +
    more * (traversal(cidr.size) + 1) +
    (typeof other === "string" ? traversal(sizeOf(other)) : 0)
  );
}

/** IP addresses and ranges of them. */
export const networks: readonly Overload[] = [
  declare(`ip(string): ${IP}`, readIp, parsed),
  declare(
    "isIP(string): bool",
    (text: string) => isReadable(() => readIp(text)),
    parsed,
  ),
  declare(
    "ip.isCanonical(string): bool",
    (text: string) => showIp(readIp(text)) === text,
    always((text: string) => traversal(lengthOf(text), 0.2)),
  ),
  declare(`string(${IP}): string`, showIp),
  declare(
    `${IP}@family(): int`,
    ({ bits }: Ip) => bits === 32 ? 4n : 6n,
    nominal,
  ),
  declare(`${IP}@isUnspecified(): bool`, isUnspecified, nominal),
  declare(`${IP}@isLoopback(): bool`, isLoopback, nominal),
  declare(`${IP}@isLinkLocalMulticast(): bool`, isLinkLocalMulticast, nominal),
  declare(`${IP}@isLinkLocalUnicast(): bool`, isLinkLocalUnicast, nominal),
  declare(`${IP}@isGlobalUnicast(): bool`, isGlobalUnicast, nominal),
  declare(`cidr(string): ${CIDR}`, readCidr, parsed),
  declare(
    "isCIDR(string): bool",
    (text: string) => isReadable(() => readCidr(text)),
    parsed,
  ),
  declare(
    `string(${CIDR}): string`,
    ({ ip, length }: Cidr) => `${showIp(ip)}/${length}`,
  ),
  declare(
    `${CIDR}@containsIP(string): bool`,
    (cidr: Cidr, text: string) => hasIp(cidr, readIp(text)),
    compared(0),
  ),
  declare(`${CIDR}@containsIP(${IP}): bool`, hasIp, compared(0)),
  declare(
    `${CIDR}@containsCIDR(string): bool`,
    (cidr: Cidr, text: string) => hasCidr(cidr, readCidr(text)),
    compared(1),
  ),
  declare(`${CIDR}@containsCIDR(${CIDR}): bool`, hasCidr, compared(1)),
  declare(`${CIDR}@ip(): ${IP}`, ({ ip }: Cidr) => ip, nominal),
  declare(
    `${CIDR}@prefixLength(): int`,
    ({ length }: Cidr) => BigInt(length),
    nominal,
  ),
  declare(`${CIDR}@masked(): ${CIDR}`, masked, nominal),
];
