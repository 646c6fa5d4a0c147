/** Addresses as the kernel prints them, back to the bytes of the record. Undefined for a text that is none. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.').map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part < 256) ? Uint8Array.from(parts) : undefined;
}

export function parseIpv6(text: string): Uint8Array | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted ? parseIpv4(dotted[2] as string) : new Uint8Array(0);
  if (!tail) return undefined;
  const hex = dotted ? (dotted[1] as string).replace(/([^:]):$/, '$1') : text;
  const halves = hex.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string | undefined): number[] =>
    half === undefined || half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16));
  const front = groups(halves[0]);
  const back = groups(halves[1]);
  const missing = (16 - tail.length) / 2 - front.length - back.length;
  if (missing < 0 || (halves.length === 1 && missing !== 0)) return undefined;
  const all = [...front, ...new Array<number>(missing).fill(0), ...back];
  if (all.some((group) => !(group >= 0 && group < 0x10000))) return undefined;
  return Uint8Array.from([...all.flatMap((group) => [group >> 8, group & 0xff]), ...tail]);
}

/**
 * `10.77.0.1:80` and `[::1]:80` as the struct sockaddr_in or sockaddr_in6 that was printed, in 28 bytes: u16 family in
 * host order, u16 port in network order, the address at 4 or 8.
 */
export function parseSocketAddress(text: string): Uint8Array | undefined {
  const match = /^(?:\[([^\]]+)\]|([0-9.]+)|([0-9a-fA-F:.]+))(?::(\d+))?$/.exec(text);
  if (!match) return undefined;
  const bytes = new Uint8Array(28);
  const port = Number(match[4] ?? 0);
  const four = match[2] === undefined ? undefined : parseIpv4(match[2]);
  const six = four ? undefined : parseIpv6(match[1] ?? match[3] ?? '');
  const address = four ?? six;
  if (!address) return undefined;
  bytes[0] = four ? 2 : 10;
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(address, four ? 4 : 8);
  return bytes;
}

/** 16 bytes of a UUID; of the little-endian form (%pUl) its first three parts are turned. */
export function parseUuid(text: string, kind: string): Uint8Array | undefined {
  const digits = text.replaceAll('-', '').match(/../g);
  if (digits?.length !== 16) return undefined;
  const bytes = Uint8Array.from(digits, (pair) => Number.parseInt(pair, 16));
  if (kind !== 'Ul' && kind !== 'UL') return bytes;
  return Uint8Array.from([3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15], (i) => bytes[i] as number);
}
