/**
 * Link and network addresses between bytes (network order) and text: MAC, IPv4, IPv6 as RFC 5952 wants it written.
 */
import { InputError } from '../base/index.ts';

/** An address as text or as bytes in network order. */
export type Address = string | Uint8Array;

/** `02:00:00:00:00:0a`. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** `10.0.0.1` of 4 bytes, RFC 5952 text of 16 bytes; other lengths as hex. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length === 16) return formatIpv6(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `10.0.0.1:53`, `[2001:db8::1]:53`. */
export function formatEndpoint(address: Uint8Array, port: number): string {
  return address.length === 16 ? `[${formatAddress(address)}]:${port}` : `${formatAddress(address)}:${port}`;
}

/** The longest run of zero groups, the first of equals, at least two long: what `::` stands for. */
function zeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let i = 0; i < groups.length; i++) {
    let length = 0;
    while (i + length < groups.length && groups[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
    i += length;
  }
  return best;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2]! << 8) | bytes[i * 2 + 1]!);
  // RFC 5952, section 5: an IPv4-mapped address shows its IPv4 part as such.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${formatAddress(bytes.subarray(12))}`;
  }
  const run = zeroRun(groups);
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (run.start < 0) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

/** 4 bytes of dotted text, or undefined. */
function parseIpv4(text: string): Uint8Array | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  return parts.every((part) => part <= 255) ? Uint8Array.from(parts) : undefined;
}

/** The u16 groups of one side of `::`, a dotted tail allowed; undefined when it is none. */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const dotted = index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (dotted) groups.push((dotted[0]! << 8) | dotted[1]!, (dotted[2]! << 8) | dotted[3]!);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const [left, right] = sides.map(parseGroups);
  if (!left || (sides.length === 2 && !right)) return undefined;
  const given = left.length + (right?.length ?? 0);
  if (sides.length === 1 ? given !== 8 : given > 7) return undefined;
  const groups = [...left, ...new Array<number>(8 - given).fill(0), ...(right ?? [])];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Bytes of an IPv4 (4) or IPv6 (16) address. @throws InputError when the text is neither */
export function parseAddress(address: Address): Uint8Array {
  if (typeof address !== 'string') return address;
  const bytes = parseIpv4(address) ?? parseIpv6(address);
  if (bytes) return bytes;
  throw new InputError(`not an IP address: '${address}'`, { expected: 'for example 10.0.0.1 or 2001:db8::1' });
}

/** 6 bytes of a MAC address. @throws InputError when the text is none */
export function parseMac(address: Address): Uint8Array {
  if (typeof address !== 'string') return address;
  if (/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(address)) {
    return Uint8Array.from(address.split(':'), (part) => Number.parseInt(part, 16));
  }
  throw new InputError(`not a MAC address: '${address}'`, { expected: 'for example 02:00:00:00:00:0a' });
}
