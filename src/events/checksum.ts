/** The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of big-endian 16-bit words. */

/** The sum so far plus these bytes; an odd last byte is the high half of a word. */
export function sum16(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  let total = sum;
  let i = start;
  for (; i + 1 < end; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  if (i < end) total += bytes[i]! << 8;
  return total;
}

/** Folds a sum into 16 bits and complements it. */
export function finish16(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/** The sum of the pseudo header of TCP, UDP and ICMPv6 (RFC 9293, RFC 8200): addresses, protocol, length. */
export function pseudoSum(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  const addresses = sum16(destination, 0, destination.length, sum16(source, 0, source.length));
  return addresses + protocol + (length >>> 16) + (length & 0xffff);
}
