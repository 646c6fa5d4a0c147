/** Addresses of sockets as connect(2) and bind(2) take them: in user memory, and as the kernel has copied them in. */
import type { StructObject, UserMemory } from '../events/index.ts';

interface Endpoint {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

/**
 * The bytes of struct sockaddr_in (16) or sockaddr_in6 (28); port and address in network order:
 *
 *   +0 u16 family   +2 u16 port   +4 u32 address        +8 zeros
 *   +0 u16 family   +2 u16 port   +4 u32 flow           +8 u8 address[16]   +24 u32 scope
 */
function bytesOf({ address, port }: Endpoint): Uint8Array {
  const ipv6 = address.length === 16;
  const bytes = new Uint8Array(ipv6 ? 28 : 16);
  bytes.set([ipv6 ? 10 : 2, 0, port >> 8, port & 0xff]);
  bytes.set(address, ipv6 ? 8 : 4);
  return bytes;
}

/** A socket address in user memory. */
export function userAddress(endpoint: Endpoint): UserMemory & { readonly content: Uint8Array } {
  return { object: 'user', content: bytesOf(endpoint) };
}

/** The same in the kernel: numbers in network order, as they lie in memory. */
export function kernelAddress({ address, port }: Endpoint): StructObject {
  const swapped = ((port & 0xff) << 8) | (port >> 8);
  if (address.length === 16) {
    const fields = { sin6_family: 10, sin6_port: swapped, 'sin6_addr.in6_u.u6_addr8': address };
    return { object: 'struct', type: 'sockaddr_in6', fields };
  }
  const whole = new DataView(address.buffer, address.byteOffset).getUint32(0, true);
  return {
    object: 'struct',
    type: 'sockaddr_in',
    fields: { sin_family: 2, sin_port: swapped, 'sin_addr.s_addr': whole },
  };
}
