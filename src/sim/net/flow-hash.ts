import type { Memory } from '../../memory/index.ts';
import { type Skbs, skbAt, swap16, wireProtocols } from './skb.ts';

/**
 * The hash of a packet's flow (net/core/flow_dissector.c: __skb_get_hash_net): over addresses, ports and protocol,
 * the same for both directions, never 0. Linux keys it with a random number for each boot, so any good hash will do.
 */
const key = 0x9e37_79b1;
const ipProtocols = { tcp: 6, udp: 17, sctp: 132, dccp: 33, udpLite: 136 } as const;
const withPorts: ReadonlySet<number> = new Set(Object.values(ipProtocols));

export function flowHash(skbs: Skbs, skb: number): number {
  const { memory } = skbs;
  const end = skbs.get(skb, skbAt.dataEnd);
  const protocol = skbs.get(skb, skbAt.protocol);
  const network = skbs.get(skb, skbAt.network);
  if (protocol === wireProtocols.ip4 && network + 20 <= end) {
    const fragment = memory.view.getUint16(network + 6, false) & 0x1fff;
    const size = ((memory.u8[network] as number) & 0xf) * 4;
    const transport = fragment === 0 ? network + size : end;
    return ofFlow(memory, network + 12, 4, memory.u8[network + 9] as number, transport, end);
  }
  if (protocol === wireProtocols.ip6 && network + 40 <= end) {
    return ofFlow(memory, network + 8, 16, memory.u8[network + 6] as number, network + 40, end);
  }
  return finish(mix(key, swap16(protocol)));
}

/** Both ends are hashed alone and added, so that it does not matter which is which. */
function ofFlow(
  memory: Memory,
  addresses: number,
  size: number,
  protocol: number,
  transport: number,
  end: number,
): number {
  const hasPorts = withPorts.has(protocol) && transport + 4 <= end;
  const source = hasPorts ? memory.view.getUint16(transport, false) : 0;
  const target = hasPorts ? memory.view.getUint16(transport + 2, false) : 0;
  const one = hashEnd(memory, addresses, size, source);
  const other = hashEnd(memory, addresses + size, size, target);
  return finish(mix((one + other) >>> 0, protocol));
}

function hashEnd(memory: Memory, at: number, size: number, port: number): number {
  let hash = mix(key, port);
  for (let offset = 0; offset < size; offset += 4) hash = mix(hash, memory.view.getUint32(at + offset, true));
  return hash;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, key);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

function finish(hash: number): number {
  const mixed = Math.imul(hash, 0x85eb_ca6b);
  const last = (mixed ^ (mixed >>> 13)) >>> 0;
  return last === 0 ? 1 : last;
}
