import type { PacketBuffer, PacketBuffers } from './buffers.ts';
import { type Skbs, skbAt } from './skb.ts';
import { fillSkb } from './skb-fill.ts';

/** What a clone has of a packet beside its bytes. */
const cloned = [
  skbAt.mark,
  skbAt.priority,
  skbAt.queue,
  skbAt.protocol,
  skbAt.packetType,
  skbAt.hash,
  skbAt.hashKind,
  skbAt.vlanPresent,
  skbAt.vlanTci,
  skbAt.vlanProtocol,
  skbAt.ingressIfindex,
] as const;

/** skb_clone: a packet of its own with the same bytes and facts; null when there is no memory. */
export function cloneOf(skbs: Skbs, packets: PacketBuffers, buffer: PacketBuffer): PacketBuffer | null {
  const start = skbs.get(buffer.skb, skbAt.data);
  const length = skbs.length(buffer.skb);
  const clone = packets.take(length);
  const { device } = buffer;
  if (clone === null) return null;
  clone.device = device;
  clone.socket = buffer.socket;
  clone.driven = buffer.driven;
  skbs.memory.u8.copyWithin(clone.origin, start, start + length);
  if (device === null) return clone;
  fillSkb(skbs, clone, device, clone.origin, length);
  for (const place of cloned) skbs.set(clone.skb, place, skbs.get(buffer.skb, place));
  return clone;
}
